import { reasonOf, SluiceError } from '../engine/errors.ts'

/** What an inventory that the system does not let us read ends with. */
export function unreadable(path: string, cause: unknown): SluiceError {
  return new SluiceError('INVENTORY_INVALID', {
    subject: 'the inventory cannot be read',
    at: path,
    why: reasonOf(cause),
    advice: 'let this user read it, or name another with --inventory',
    cause,
  })
}
