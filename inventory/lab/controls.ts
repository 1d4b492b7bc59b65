import type { CloudControls, CloudPlan, CloudRemoval, CloudRun } from '../../engine/cli/cloud-controls.ts'
import { machineRun, refuseOtherWishes } from '../machine-run.ts'
import { hostToMake } from '../program-connection.ts'
import { labHosts } from './hosts-resource.ts'
import { labSettings } from './settings.ts'
import { Workplace } from './workplace.ts'

/** What `sluice up` and `sluice destroy` do with the lab. */
export const labMachines: CloudControls = {
  async up({ projectDirectory, wishes, signal }): Promise<CloudPlan> {
    refuseOtherWishes(wishes, [], {
      machines: 'hosts of the lab',
      instead: 'SLUICE_LAB_COUNT, SLUICE_LAB_SUITE and SLUICE_LAB_MEMORY_MB say how they are',
    })
    const lab = new Workplace(labSettings(projectDirectory), signal)
    return runOf('up', [...(await lab.states()).keys()], lab)
  },

  async down({ projectDirectory, signal }): Promise<CloudRemoval | undefined> {
    const settings = labSettings(projectDirectory)
    const lab = new Workplace(settings, signal)
    const things = await lab.remains()
    if (things.length === 0) return undefined
    return {
      ...runOf('destroy', [...(await lab.states()).keys()], lab),
      summary: `the lab ${settings.name}`,
      things,
      leftovers: () => lab.remains(),
    }
  },
}

function runOf(name: 'up' | 'destroy', hosts: string[], workplace: Workplace): CloudRun {
  return machineRun(name, {
    inventory: 'lab',
    machines: 'hosts of the lab',
    hosts: [hostToMake('lab', 'this machine')],
    resources: () => [labHosts({ hosts })],
    workplace,
  })
}
