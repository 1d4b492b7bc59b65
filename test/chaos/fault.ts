import { type Script, sh } from '../../engine/shell.ts'
import type { LabSettings } from '../../inventory/lab/settings.ts'

/** What a fault may use. */
export interface Ground {
  settings: LabSettings
  onHost(name: string, script: Script): Promise<string>
  /** The addresses by which other hosts reach a host. */
  addresses(name: string): string[]
  /** A number from 0 up to 1, from the seed. */
  random(): number
}

/** Something that goes wrong, and is over when the promise is kept. */
export interface Fault {
  name: string
  strike(ground: Ground): Promise<void>
}

type Way = 'to' | 'from' | 'both ways between'

/** Lets something happen while packets between two hosts are dropped. */
export async function whileCut(
  { onHost, addresses }: Ground,
  { from, to, way }: { from: string; to: string; way: Way },
  happen: () => Promise<void>,
): Promise<void> {
  const rules = (verb: '--insert' | '--delete') =>
    addresses(to).flatMap((address) => {
      const program = address.includes(':') ? 'ip6tables' : 'iptables'
      return [
        ...(way === 'from' ? [] : [`${program} ${verb} OUTPUT --destination ${address} --jump DROP`]),
        ...(way === 'to' ? [] : [`${program} ${verb} INPUT --source ${address} --jump DROP`]),
      ]
    })
  const all = (verb: '--insert' | '--delete') => sh`for rule in ${rules(verb)}; do $rule; done`
  await onHost(from, all('--insert'))
  try {
    await happen()
  } finally {
    await onHost(from, all('--delete'))
  }
}
