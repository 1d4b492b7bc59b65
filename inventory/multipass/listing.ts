import { isIPv4 } from 'node:net'
import * as v from 'valibot'
import { reasonOf, SluiceError } from '../../engine/errors.ts'
import { parseWith } from '../../engine/schemas.ts'

/** What `multipass list --format json` prints. Releases of Multipass differ in what else is there. */
const Listing = v.object({
  list: v.array(
    v.object({
      name: v.pipe(v.string(), v.nonEmpty('should not be empty')),
      state: v.pipe(v.string(), v.nonEmpty('should not be empty')),
      /** The one on Multipass's own network comes first; "N/A" stands for one that is not known yet. */
      ipv4: v.array(v.string()),
    }),
  ),
})

export interface Instance {
  name: string
  /** `Running`, `Stopped`, `Deleted` and so on. */
  state: string
  /** Where this machine reaches it; `undefined` until it has one. */
  address: string | undefined
}

/** @throws SluiceError PROGRAM_FAILED when this is no listing */
export function parseListing(text: string): Instance[] {
  const place = 'multipass list --format json'
  const advice = 'see what the command prints; Multipass 1.6 and later are known'
  let content: unknown
  try {
    content = JSON.parse(text)
  } catch (error) {
    throw new SluiceError('PROGRAM_FAILED', {
      subject: `the list of instances should be JSON, got ${JSON.stringify(text.slice(0, 80))}`,
      at: place,
      why: reasonOf(error),
      advice,
      cause: error,
    })
  }
  const { list } = parseWith(Listing, content, { code: 'PROGRAM_FAILED', place, advice })
  return list.map(({ name, state, ipv4: [first = ''] }) => ({
    name,
    state,
    address: isIPv4(first) ? first : undefined,
  }))
}

/** What to do about an instance in another state than `Running`, in this inventory's words. */
export function nextStep({ name, state }: Pick<Instance, 'name' | 'state'>): string {
  const steps: Record<string, string> = {
    Stopped: 'start it: sluice up -i multipass',
    Suspended: 'start it: sluice up -i multipass',
    Deleted: `bring it back (multipass recover ${name}), or remove it for good (multipass delete --purge ${name}) and run sluice up -i multipass`,
    Starting: 'wait until it has started, then run again',
    Restarting: 'wait until it has started, then run again',
    Suspending: 'wait until it is suspended, then start it: sluice up -i multipass',
    'Delayed Shutdown': `keep it running (multipass stop --cancel ${name}), or let it stop and run sluice up -i multipass`,
    Unavailable: 'make its zone available again: multipass enable-zones',
  }
  return steps[state] ?? `see what is the matter with it: multipass info ${name}`
}
