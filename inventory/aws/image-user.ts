import { SluiceError } from '../../engine/errors.ts'
import type { Instance } from './observation.ts'

/**
 * The account that an image's makers let in.
 *
 * @param name what the image is called, where that is known
 * @param setting which setting says it instead
 * @throws SluiceError INVENTORY_INVALID when the name does not tell
 */
export function imageUser({ id, image }: Instance, name: string | undefined, setting: string): string {
  if (/ubuntu/i.test(name ?? '')) return 'ubuntu'
  if (/debian/i.test(name ?? '')) return 'admin'
  throw new SluiceError('INVENTORY_INVALID', {
    subject: `who may log in to ${id} cannot be told from its image, ${image}`,
    at: id,
    why: name === undefined ? 'the image is gone or not ours to see' : `it is called "${name}"`,
    advice: `put the account into sluice.config.json as ${setting}: "admin", say`,
  })
}
