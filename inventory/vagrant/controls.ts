import type {
  CloudControls,
  CloudOptions,
  CloudPlan,
  CloudRemoval,
  CloudRun,
} from '../../engine/cli/cloud-controls.ts'
import { machineRun, refuseOtherWishes } from '../machine-run.ts'
import { hostToMake } from '../program-connection.ts'
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
  refuseOtherWishes(wishes, ['image'], {
    machines: 'machines of Vagrant',
    instead: 'the section vagrant of sluice.config.json has admin, box, cpus and memoryMb',
  })
  return wishes.image === undefined ? {} : { box: wishes.image }
}

function runOf(
  name: 'up' | 'destroy',
  { provider, machines: all }: { machines: Machines; provider: Machine['provider'] },
  workplace: Workplace,
): CloudRun {
  return machineRun(name, {
    inventory: 'vagrant',
    machines: 'machines of Vagrant',
    hosts: [hostToMake('vagrant', '.sluice/vagrant')],
    resources: () => [vagrantfile({ machines: all, provider }), machines({ machines: all, provider })],
    workplace,
  })
}
