import { SluiceError } from '../engine/errors.ts'
import type { Host, Inventory, InventorySource } from '../engine/inventory.ts'
import { labUser } from './lab/base-image.ts'
import { isRunning } from './lab/host.ts'
import { bringUp } from './lab/lifecycle.ts'
import { labPaths } from './lab/names.ts'
import { addressIn, lastOctet } from './lab/network.ts'
import { type LabSettings, labSettings } from './lab/settings.ts'
import { readHosts, readState } from './lab/state.ts'
import { pipelineRules } from './policy.ts'

const groupsInOrder = ['kafka', 'mongodb', 'processor', 'producers']

/** All hosts share one machine's memory, which each of them takes for its own: these sizes are a t3.small's. */
const smallMachines = {
  kafka: { kafka: { heapMb: 512 }, zookeeper: { heapMb: 128 } },
  mongodb: { mongodb: { cacheGb: 0.5 } },
}

/** Debian hosts on this machine: containers with an init of their own, made in seconds, without cloud or hypervisor. */
export const lab: InventorySource = {
  name: 'lab',
  summary: 'Debian hosts on this machine (systemd-nspawn), made on demand; needs root',

  async load({ projectDirectory, create, progress, signal }) {
    const settings = labSettings(projectDirectory)
    if (create) await bringUp(settings, settings.count, progress, signal)
    const inventory = await labInventory(settings)
    const off = inventory.hosts.map(({ name }) => name).filter((host) => !isRunning(settings, host))
    if (off.length > 0) progress(`off: ${off.join(', ')}; sluice lab up switches on what is off`)
    return inventory
  },
}

/**
 * The inventory of the lab's hosts as they are now.
 *
 * @throws SluiceError LAB_UNAVAILABLE when none of them runs
 */
export async function labInventory(settings: LabSettings): Promise<Inventory> {
  const [network, records] = await Promise.all([readState(settings), readHosts(settings)])
  if (network === undefined || ![...records.keys()].some((host) => isRunning(settings, host))) {
    throw new SluiceError('LAB_UNAVAILABLE', {
      subject: records.size === 0 ? 'the lab has no hosts yet' : 'no host of the lab is running',
      advice: 'bring it up: npm run lab -- up; npm run provision does it by itself',
    })
  }
  const hosts = [...records].map(([name, { number, hostKeys }]): Host => {
    const addresses = [network.network, network.network6].map((net) => addressIn(net, lastOctet(number)))
    return {
      name,
      address: addressIn(network.network, lastOctet(number)),
      port: 22,
      user: labUser,
      identityFile: labPaths(settings).identity,
      hostKeys,
      privateAddresses: addresses,
      groups: [groupsInOrder[number - 1] ?? 'spare'],
      variables: {},
    }
  })
  return {
    name: 'lab',
    hosts,
    variables: {},
    groupVariables: smallMachines,
    policy: {
      admin: [`${addressIn(network.network, 1)}/32`, `${addressIn(network.network6, 1)}/128`],
      rules: pipelineRules,
    },
  }
}
