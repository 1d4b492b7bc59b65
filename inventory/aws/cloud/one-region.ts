import { SluiceError } from '../../../engine/errors.ts'
import type { AwsSettings } from '../settings.ts'

/**
 * The settings with the one region in which hosts are made.
 *
 * @throws SluiceError USAGE when several could be meant, or it is none where they are looked for
 */
export function oneRegion(settings: AwsSettings): AwsSettings {
  const { regions, up } = settings
  if (up.region !== undefined) {
    if (regions?.includes(up.region)) return { ...settings, regions: [up.region] }
    throw new SluiceError('USAGE', {
      subject: `hosts would be made in ${up.region}, where nobody looks for them: regions are ${regions?.join(', ')}`,
      at: 'sluice.config.json > aws',
      advice: `put ${up.region} into aws.regions (or SLUICE_AWS_REGIONS)`,
    })
  }
  if (!severalMeant(settings)) return settings
  throw new SluiceError('USAGE', {
    subject: `hosts can be made in one region, and there are several: ${regions?.join(', ')}`,
    at: 'sluice.config.json > aws',
    advice: 'say which: "aws": { "up": { "region": "eu-central-1" } }',
  })
}

/** Whether hosts could be made in one region as well as in another. */
export function severalMeant({ regions = [], up }: AwsSettings): boolean {
  return up.region === undefined && regions.length > 1
}
