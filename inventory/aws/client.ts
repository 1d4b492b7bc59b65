import { EC2Client } from '@aws-sdk/client-ec2'
import { awsFailure } from './failure.ts'
import type { AwsSettings } from './settings.ts'

/** How often one question is asked when AWS is busy and nobody says otherwise: the waits grow to 20 s. */
const mostAttempts = 10

/** The EC2 API of one region. */
export interface RegionClient {
  region: string
  client: EC2Client
  /** Of ~/.aws/config, where the settings name one. */
  profile: string | undefined
}

/**
 * Opens the EC2 API of every region that is meant.
 *
 * @throws SluiceError USAGE when nothing says which region
 */
export async function openRegions({ regions, profile }: AwsSettings): Promise<RegionClient[]> {
  const open = (region?: string) =>
    new EC2Client({
      ...(region !== undefined && { region }),
      ...(profile !== undefined && { profile }),
      ...(!process.env.AWS_MAX_ATTEMPTS && { maxAttempts: mostAttempts }),
      retryMode: 'adaptive',
      requestHandler: { connectionTimeout: 5_000, requestTimeout: 30_000 },
    })
  if (regions !== undefined) return regions.map((region) => ({ region, client: open(region), profile }))
  const client = open()
  try {
    return [{ region: await client.config.region(), client, profile }]
  } catch (error) {
    throw awsFailure(error, { profile })
  }
}

/**
 * Finds credentials, without asking AWS whether it takes them.
 *
 * @throws SluiceError AWS_CREDENTIALS
 */
export async function findCredentials({ profile }: AwsSettings): Promise<void> {
  // Any region will do: they are the same in all of them.
  const client = new EC2Client({ region: 'us-east-1', ...(profile !== undefined && { profile }) })
  try {
    await client.config.credentials()
  } catch (error) {
    throw awsFailure(error, { profile })
  } finally {
    client.destroy()
  }
}
