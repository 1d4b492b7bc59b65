import { SluiceError } from '../../../engine/errors.ts'
import { awsFailure, type Question } from '../failure.ts'

const goesOn = 'then run again: what is made is kept, and the run goes on from there'

/** What AWS calls that an account may have no more of something: `VcpuLimitExceeded`, `VpcLimitExceeded` and so on. */
const quota =
  /^(?!RequestLimit)\w+LimitExceeded$|^MaxSpotInstanceCountExceeded$|^RulesPerSecurityGroupLimitExceeded$/

const noRoom = new Set([
  'InsufficientInstanceCapacity',
  'InsufficientHostCapacity',
  'InsufficientFreeAddressesInSubnet',
  'Unsupported',
])

const taken = /\.Duplicate$|^InvalidIPAddress\.InUse$|^InvalidSubnet\.Conflict$/

/** What AWS said to a request to make, change or remove something, as an error that a user can act on. */
export function creationFailure(error: unknown, question: Question): SluiceError {
  const { action = 'the request', region = '' } = question
  const { name = '', message = '', $fault } = error as Partial<Error> & { $fault?: string }
  const details = { at: action, why: `${name}: ${message}`, cause: error }
  if (quota.test(name)) {
    return new SluiceError('AWS_QUOTA', {
      ...details,
      subject: `the account may have no more of this in ${region}: ${name}`,
      advice: `have the quota raised (console of AWS > Service Quotas > EC2), free some of it, or choose a smaller type, ${goesOn}`,
    })
  }
  if (noRoom.has(name)) {
    return new SluiceError('AWS_CAPACITY', {
      ...details,
      subject: `AWS has none of this to give in ${region} now: ${name}`,
      advice: `choose another type (aws.up.type) or zone (aws.up.zone), or wait, ${goesOn}`,
    })
  }
  if (taken.test(name)) {
    return new SluiceError('AWS_CONFLICT', {
      ...details,
      subject: `something that sluice up did not make has this name or address already: ${name}`,
      advice:
        'remove it if it is nobody’s, or choose another name for all that is made: "aws": { "project": "…" } in sluice.config.json',
    })
  }
  const general = awsFailure(error, { changes: true, ...question })
  // What no other kind fits: AWS understood, and will not.
  if (general.code !== 'AWS_UNAVAILABLE' || $fault !== 'client' || /Throttl|RequestLimit/.test(name))
    return general
  return new SluiceError('AWS_REFUSED', {
    ...details,
    subject: `AWS refuses ${action}: ${name}`,
    advice: `correct what it names (what is made is in aws.up of sluice.config.json), then run again: what is done is kept`,
  })
}
