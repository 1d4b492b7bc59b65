import { GetParameterCommand, SSMClient } from '@aws-sdk/client-ssm'
import { SluiceError } from '../../../engine/errors.ts'
import { creationFailure } from './refusal.ts'
import type { RegionApi } from './region-api.ts'

const published =
  'aws ssm get-parameters-by-path --recursive --path /aws/service/debian (or /aws/service/canonical) lists those of the makers'

/**
 * The identifier of the image that a parameter of SSM has.
 *
 * @throws SluiceError AWS_REFUSED when there is no such parameter, or it has no image; AWS_DENIED, AWS_CREDENTIALS
 */
export async function imageOfParameter(api: RegionApi, Name: string): Promise<string> {
  // It is not closed: its connections are those of the EC2 API, and go with that.
  const client = new SSMClient(api.settings)
  const { Parameter } = await client
    .send(new GetParameterCommand({ Name }), api.sending)
    .catch((error: unknown) => {
      throw failure(error, Name, api.region)
    })
  const { Value = '' } = Parameter ?? {}
  if (/^ami-[0-9a-f]+$/.test(Value)) return Value
  throw new SluiceError('AWS_REFUSED', {
    subject: `the SSM parameter ${Name} should have an ami-…, got "${Value.slice(0, 100)}"`,
    at: api.region,
    advice: `name one that has the identifier of an image alone in aws.up.image: ${published}`,
  })
}

function failure(error: unknown, name: string, region: string): SluiceError {
  if (!(error instanceof Error && /^Parameter(Version)?NotFound$/.test(error.name))) {
    return creationFailure(error, { service: 'ssm', action: 'GetParameter', region, changes: false })
  }
  return new SluiceError('AWS_REFUSED', {
    subject: `${region} has no SSM parameter ${name}`,
    at: `${region} > GetParameter`,
    why: `${error.name}: ${error.message || 'no further words'}`,
    advice: `correct it in aws.up.image of sluice.config.json: ${published}`,
    cause: error,
  })
}
