import * as v from 'valibot'
import type { CloudControls, CloudOptions, CloudPlan, CloudRemoval } from '../../engine/cli/cloud-controls.ts'
import { SluiceError } from '../../engine/errors.ts'
import type { Inventory } from '../../engine/inventory.ts'
import { definePlaybook } from '../../engine/playbook.ts'
import { defineRole } from '../../engine/role.ts'
import { hostToMake, ProgramConnection } from '../program-connection.ts'
import { machines, vagrantfile } from './machines.ts'
import { type Machine, type Machines, vagrantSettings } from './settings.ts'
import { Workplace } from './workplace.ts'

/** What `sluice up` and `sluice destroy` do with Vagrant. */
export const vagrantControls: CloudControls = {
  async up(options): Promise<CloudPlan> {
    const settings = vagrantSettings(options.projectDirectory, wishesOf(options))
    const workplace = new Workplace(options.projectDirectory, options.signal)
    const made = await workplace.states()
    const undeclared = [...made.keys()].filter((name) => !(name in settings.machines))
    if (undeclared.length > 0) {
      options.progress(`vagrant: not declared any more, and left alone: ${undeclared.join(', ')}`)
    }
    return runOf('up', settings, workplace)
  },

  async down({ projectDirectory, signal }): Promise<CloudRemoval | undefined> {
    const workplace = new Workplace(projectDirectory, signal)
    if (!workplace.isThere) return undefined
    const known = await workplace.machines()
    const states = await workplace.states()
    const [{ provider } = { provider: 'libvirt' as const }] = Object.values(known)
    return {
      ...runOf('destroy', { machines: known, provider }, workplace),
      summary: 'the machines of Vagrant that sluice up made',
      things: [...states].map(([name, state]) => `${known[name]?.title ?? name} (${state})`),
      async leftovers() {
        const left = [...(await workplace.states()).keys()]
        if (left.length === 0) await workplace.remove()
        return left
      },
    }
  },
}

/** @throws SluiceError USAGE for what only a cloud has */
function wishesOf({ wishes }: CloudOptions): { box?: string } {
  const { image, ...others } = wishes
  const words = { admin: '--admin', publicKey: '--public-key', type: '--type', diskGb: '--disk-gb' }
  const unknown = Object.keys(others).map((wish) => words[wish as keyof typeof others])
  if (unknown.length > 0) {
    throw new SluiceError('USAGE', {
      subject: `${unknown.join(', ')} says nothing about machines of Vagrant`,
      at: 'the command line',
      advice: 'leave it out; the section vagrant of sluice.config.json has admin, box, cpus and memoryMb',
    })
  }
  return image === undefined ? {} : { box: image }
}

function runOf(
  name: string,
  declared: { machines: Machines; provider: Machine['provider'] },
  workplace: Workplace,
): Pick<CloudPlan, 'playbook' | 'inventory' | 'connect'> {
  const inventory: Inventory = {
    name: 'vagrant',
    hosts: [hostToMake('vagrant', '.sluice/vagrant')],
    variables: {},
    groupVariables: {},
    policy: { admin: [], rules: [] },
  }
  const { provider, machines: all } = declared
  const role = defineRole({
    name: 'machines',
    description: 'the hosts',
    params: v.strictObject({}),
    resources: () => [vagrantfile({ machines: all, provider }), machines({ machines: all, provider })],
  })
  return {
    playbook: definePlaybook({
      name,
      summary: 'Makes the hosts as machines of Vagrant',
      plays: [{ name: 'vagrant', hosts: 'all', roles: [role] }],
    }),
    inventory,
    connect: async (host) => new ProgramConnection(host, workplace),
  }
}
