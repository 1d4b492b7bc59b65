import { SluiceError } from '../../engine/errors.ts'

const noCredentials = new Set(['CredentialsProviderError', 'TokenProviderError'])

const refusedCredentials = new Set([
  'AuthFailure',
  'InvalidClientTokenId',
  'UnrecognizedClientException',
  'SignatureDoesNotMatch',
  'IncompleteSignature',
  'ExpiredToken',
  'ExpiredTokenException',
  'RequestExpired',
])

const denials = new Set(['UnauthorizedOperation', 'AccessDenied', 'AccessDeniedException'])

const throttles = new Set(['RequestLimitExceeded', 'Throttling', 'ThrottlingException', 'TooManyRequests'])

/** What was asked when it failed. */
export interface Question {
  /** As IAM calls it, without its service. */
  action?: string
  /** Left out: `ec2`. */
  service?: 'ec2' | 'ssm'
  region?: string
  /** Of ~/.aws/config. */
  profile?: string | undefined
  /** Whether it is part of making or removing something, so that more may have been done before it. */
  changes?: boolean
}

/** What AWS or its SDK said, as an error that a user can act on. */
export function awsFailure(error: unknown, question: Question): SluiceError {
  const { action, service = 'ec2', region, changes = false } = question
  const profile = question.profile ?? process.env.AWS_PROFILE ?? 'default'
  if (error instanceof SluiceError) return error
  const { name, message } = error instanceof Error ? error : { name: 'Error', message: String(error) }
  const details = {
    ...(region !== undefined && { at: [region, ...(action === undefined ? [] : [action])].join(' > ') }),
    why: `${name}: ${readable(error, message)}`,
    cause: error,
  }
  // The second is what an empty AWS_REGION makes of it.
  if (/Region is missing|Region not accepted: region=""/.test(message)) {
    return new SluiceError('USAGE', {
      subject: 'nothing says in which region of AWS the hosts are, or are to be',
      why: `not aws.regions of sluice.config.json, nor SLUICE_AWS_REGIONS, AWS_REGION or the profile ${profile}`,
      advice:
        'put "aws": { "regions": ["eu-central-1"] } into sluice.config.json, or set AWS_REGION (export AWS_REGION=eu-central-1)',
      cause: error,
    })
  }
  // What the SDK says of a session that is not there, is not whole or has expired names this command, and seldom the profile.
  if (noCredentials.has(name) && message.includes('aws sso login')) {
    const [, named = profile] = /profile=(\S+)/.exec(message) ?? []
    return new SluiceError('AWS_CREDENTIALS', {
      ...details,
      subject: `the profile ${named} has no session with AWS, or it has expired`,
      advice: `log in: aws sso login --profile ${named}`,
    })
  }
  if (noCredentials.has(name)) {
    return new SluiceError('AWS_CREDENTIALS', {
      ...details,
      subject: 'no credentials for AWS were found',
      advice:
        'log in (aws sso login, aws configure), or set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY',
    })
  }
  if (refusedCredentials.has(name)) {
    return new SluiceError('AWS_CREDENTIALS', {
      ...details,
      subject: 'AWS does not take the credentials that were found',
      advice: 'see with aws sts get-caller-identity whether they have expired or belong to another account',
    })
  }
  if (denials.has(name)) {
    // To tag what is made is an action of its own.
    const [, named = `${service}:${action ?? 'an action'}`] =
      /not authorized to perform: ((?:ec2|ssm):\w+)/.exec(message) ?? []
    const policy = 'give the user or role the policy of docs/aws-iam-policy.json'
    return new SluiceError('AWS_DENIED', {
      ...details,
      subject: `AWS does not permit ${named}`,
      advice: changes ? `${policy} and run again: it goes on from there` : `${policy}; nothing was changed`,
    })
  }
  if (throttles.has(name)) {
    return new SluiceError('AWS_UNAVAILABLE', {
      ...details,
      subject: 'AWS went on refusing requests because there are too many of them',
      advice: 'wait a minute and run again; see what else asks the EC2 API of this account',
    })
  }
  return new SluiceError('AWS_UNAVAILABLE', {
    ...details,
    subject: 'AWS did not answer as expected',
    advice: 'check the network, the name of the region and AWS_ENDPOINT_URL, then run again',
  })
}

/** Without the part that only AWS can decode, and with what is below an error that says nothing itself. */
function readable(error: unknown, message: string): string {
  const below = error instanceof AggregateError ? error.errors.map(String).join('; ') : ''
  const text = message.replace(/\s*Encoded authorization failure message:.*$/s, '')
  return text === '' || text === 'UnknownError' ? below || text || 'no further words' : text
}
