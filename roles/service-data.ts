import { directory } from '../engine/resources/directory.ts'
import { account } from './layout.ts'

/** Where a service keeps its data: nobody else reads it, and a removal leaves it unless it is told otherwise. */
export function serviceData(path: string) {
  return directory({ path, owner: account.name, group: account.name, mode: '0750', holdsData: true })
}
