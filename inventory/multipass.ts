import { SluiceError } from '../engine/errors.ts'
import type { Host, InventorySource } from '../engine/inventory.ts'
import { Multipass } from './multipass/client.ts'
import { type Instance, nextStep } from './multipass/listing.ts'
import { type Kept, Records } from './multipass/records.ts'
import { type DeclaredHost, type MultipassSettings, multipassSettings } from './multipass/settings.ts'
import { ownAddresses } from './own-addresses.ts'
import { pipelineRules } from './policy.ts'

/** A declared host with the instance that `sluice up` made for it. */
interface Made {
  declared: DeclaredHost
  kept: Kept
  address: string
}

/** Virtual machines of Multipass on this machine. This only reads: `sluice up` makes them. */
export const multipass: InventorySource = {
  name: 'multipass',
  summary: 'Ubuntu virtual machines of Multipass on this machine, made by sluice up',

  async load({ projectDirectory, signal }) {
    const settings = multipassSettings(projectDirectory)
    const records = new Records(projectDirectory)
    const client = new Multipass(signal)
    const made = madeHosts(settings.hosts, await records.all(), await client.list())
    const addresses = made.map(({ address }) => address)
    const hosts = await Promise.all(
      made.map(
        async ({ declared: { name, role }, kept, address }): Promise<Host> => ({
          name,
          address,
          port: 22,
          user: settings.user,
          identityFile: records.identityFile,
          hostKeys: await pinned(name, kept, records, client),
          privateAddresses: [address],
          groups: [role],
          variables: {},
        }),
      ),
    )
    return {
      name: 'multipass',
      hosts,
      variables: {},
      groupVariables: {},
      policy: { admin: adminNetworks(settings, addresses), rules: pipelineRules },
    }
  },
}

/**
 * The instances of all declared hosts, which run.
 *
 * @throws SluiceError INSTANCE_MISSING, INSTANCE_NOT_RUNNING with what to do next
 */
function madeHosts(
  declared: readonly DeclaredHost[],
  kept: ReadonlyMap<string, Kept>,
  instances: readonly Instance[],
): Made[] {
  const pairs = declared.map((host) => {
    const record = kept.get(host.name)
    return { host, record, found: record && instances.find(({ name }) => name === record.instance) }
  })
  const missing = pairs.filter(({ found }) => found === undefined)
  if (missing.length > 0) {
    throw new SluiceError('INSTANCE_MISSING', {
      subject: `Multipass has no instance made here for ${missing.map(({ host }) => host.name).join(', ')}`,
      at: 'multipass list',
      why: `there are: ${instances.map(({ name }) => name).join(', ') || 'none'}`,
      advice: 'make them: sluice up -i multipass',
    })
  }
  const idle = pairs.flatMap(({ found }) => (found && found.state !== 'Running' ? [found] : []))
  if (idle.length > 0) {
    throw new SluiceError('INSTANCE_NOT_RUNNING', {
      subject: `not running: ${idle.map(({ name, state }) => `${name} is ${state}`).join(', ')}`,
      at: 'multipass list',
      advice: [...new Set(idle.map(nextStep))].join('\n'),
    })
  }
  return pairs.flatMap(({ host, record, found }) => {
    if (record === undefined || found === undefined) return []
    if (found.address !== undefined) return [{ declared: host, kept: record, address: found.address }]
    throw new SluiceError('INSTANCE_NOT_RUNNING', {
      subject: `${found.name} runs and has no address yet`,
      at: 'multipass list',
      advice: `wait a moment and run again; if it stays so: multipass restart ${found.name}`,
    })
  })
}

/** The keys on record; at first sight Multipass is asked, whose own way into the instance vouches for the answer. */
async function pinned(host: string, kept: Kept, records: Records, client: Multipass): Promise<string[]> {
  if (kept.hostKeys.length > 0) return kept.hostKeys
  const hostKeys = [await client.hostKey(kept.instance)]
  await records.keep(host, { ...kept, hostKeys })
  return hostKeys
}

function adminNetworks({ admin }: MultipassSettings, addresses: readonly string[]): string[] {
  if (admin !== undefined) return admin
  const own = ownAddresses(addresses)
  if (own.length > 0) return own.map((address) => `${address}/32`)
  throw new SluiceError('USAGE', {
    subject: `this machine has no address in the network of ${addresses.join(', ')}, so who may log in there cannot be told`,
    at: 'sluice.config.json > multipass',
    advice: 'say from which networks you come: "multipass": { "admin": ["192.168.64.1/32"] }',
  })
}
