import { existsSync } from 'node:fs'
import { isIP } from 'node:net'
import { SluiceError } from '../engine/errors.ts'
import type { Host, InventorySource } from '../engine/inventory.ts'
import { ownAddresses } from './own-addresses.ts'
import { pipelineRules } from './policy.ts'
import { type VagrantSettings, vagrantSettings } from './vagrant/settings.ts'
import type { Entry } from './vagrant/ssh-config.ts'
import { nextStep } from './vagrant/status.ts'
import { Workplace } from './vagrant/workplace.ts'

/** By what a machine sees this one that comes in through a port which VirtualBox forwards: its NAT. */
const virtualboxNat = '10.0.2.2/32'

/** Virtual machines of Vagrant on this machine. This only reads: `sluice up` makes them. */
export const vagrant: InventorySource = {
  name: 'vagrant',
  summary: 'virtual machines of Vagrant on this machine (libvirt, VirtualBox), made by sluice up',

  async load({ projectDirectory, signal }) {
    const settings = vagrantSettings(projectDirectory)
    const workplace = new Workplace(projectDirectory, signal)
    const names = Object.keys(settings.machines)
    const known = await workplace.machines()
    const entries = await entriesOf(
      names.filter((name) => name in known),
      workplace,
    )
    const missing = names.filter((name) => !entries.has(name))
    if (missing.length > 0) throw notMade(missing)
    const hostKeys = await pinned(names, workplace)
    const hosts = [...entries.values()].map((entry): Host => {
      // Where it is, not where it would be by now.
      const address = known[entry.host]?.address ?? ''
      return {
        name: entry.host,
        address: entry.hostname,
        port: entry.port,
        user: entry.user,
        identityFile: identityOf(entry),
        hostKeys: hostKeys[entry.host] ?? [],
        privateAddresses: [address],
        groups: [settings.roles[entry.host] ?? 'spare'],
        variables: {},
      }
    })
    return {
      name: 'vagrant',
      hosts,
      variables: {},
      groupVariables: {},
      policy: { admin: adminNetworks(settings, hosts), rules: pipelineRules },
    }
  },
}

/** @throws SluiceError INSTANCE_MISSING, INSTANCE_NOT_RUNNING with what to do next */
async function entriesOf(names: readonly string[], workplace: Workplace): Promise<Map<string, Entry>> {
  if (names.length === 0 || !workplace.isThere) return new Map()
  const begun = (await workplace.begun()).filter((name) => names.includes(name))
  if (begun.length > 0) throw notFinished(begun)
  try {
    return await workplace.vagrant.sshConfig(names)
  } catch (error) {
    // Vagrant refuses at the first machine that does not run, and does not say which.
    if (!(error instanceof SluiceError) || error.code !== 'PROGRAM_FAILED') throw error
    const states = await workplace.states()
    const missing = names.filter((name) => !states.has(name))
    if (missing.length > 0) throw notMade(missing)
    const idle = names.map((name) => [name, states.get(name) ?? ''] as const)
    throw idleMachines(idle.filter(([, state]) => state !== 'running')) ?? error
  }
}

function idleMachines(idle: readonly (readonly [name: string, state: string])[]): SluiceError | undefined {
  if (idle.length === 0) return undefined
  return new SluiceError('INSTANCE_NOT_RUNNING', {
    subject: `not running: ${idle.map(([name, state]) => `${name} is ${state}`).join(', ')}`,
    at: 'vagrant status',
    advice: [...new Set(idle.map(([name, state]) => nextStep(name, state)))].join('\n'),
  })
}

function notMade(names: readonly string[]): SluiceError {
  return new SluiceError('INSTANCE_MISSING', {
    subject: `Vagrant has no machine made here for ${names.join(', ')}`,
    at: '.sluice/vagrant',
    advice: 'make them: sluice up -i vagrant',
  })
}

function notFinished(names: readonly string[]): SluiceError {
  return new SluiceError('INSTANCE_MISSING', {
    subject: `Vagrant began to make ${names.join(', ')} and did not finish`,
    at: '.sluice/vagrant',
    advice: 'make what is missing, and what is half made anew: sluice up -i vagrant',
  })
}

/** The keys on record; at first sight they are asked on Vagrant's own way into the machine. */
async function pinned(names: readonly string[], workplace: Workplace): Promise<Record<string, string[]>> {
  const keys = await workplace.hostKeys()
  const unpinned = names.filter((name) => keys[name] === undefined)
  // One after the other: Vagrant locks its folder.
  for (const name of unpinned) keys[name] = [await workplace.vagrant.hostKey(name)]
  if (unpinned.length > 0) await workplace.keepHostKeys(keys)
  return keys
}

/** @throws SluiceError INVENTORY_INVALID for a machine that only OpenSSH with Vagrant's options could reach */
function identityOf({ host, identityFiles, proxycommand, include }: Entry): string {
  const at = `vagrant ssh-config ${host}`
  const way = proxycommand ?? include
  if (way !== undefined) {
    throw new SluiceError('INVENTORY_INVALID', {
      subject: `${host} is reached by ${proxycommand === undefined ? 'an included file' : 'a ProxyCommand'}: ${way}`,
      at,
      advice:
        'run Sluice on the machine that has the hypervisor, or describe the hosts in a file, with jump: (inventory/example.yaml)',
    })
  }
  const file = identityFiles.find((each) => existsSync(each))
  if (file !== undefined) return file
  throw new SluiceError('INVENTORY_INVALID', {
    subject: `no key that logs in to ${host} is there: ${identityFiles.join(', ') || 'none is named'}`,
    at,
    advice: `have Vagrant make it anew: vagrant destroy ${host} in .sluice/vagrant, then sluice up -i vagrant`,
  })
}

function adminNetworks({ admin, provider }: VagrantSettings, hosts: readonly Host[]): string[] {
  if (admin !== undefined) return admin
  const loopback = ({ address }: Host) => address === 'localhost' || address.startsWith('127.')
  const forwarded = provider === 'virtualbox' && hosts.some(loopback)
  const seen = hosts.flatMap((host) => [...(loopback(host) ? [] : [host.address]), ...host.privateAddresses])
  const own = ownAddresses(seen.filter((address) => isIP(address) !== 0)).map((address) => `${address}/32`)
  const networks = forwarded ? [virtualboxNat, ...own] : own
  if (networks.length > 0) return networks
  throw new SluiceError('USAGE', {
    subject: `this machine has no address in the network of ${seen.join(', ')}, so who may log in there cannot be told`,
    at: 'sluice.config.json > vagrant',
    advice: 'say from which networks you come: "vagrant": { "admin": ["192.168.56.1/32"] }',
  })
}
