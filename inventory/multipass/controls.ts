import type {
  CloudControls,
  CloudOptions,
  CloudPlan,
  CloudRemoval,
  CloudRun,
} from '../../engine/cli/cloud-controls.ts'
import { machineRun, refuseOtherWishes } from '../machine-run.ts'
import { hostToMake } from '../program-connection.ts'
import { Multipass } from './client.ts'
import { instance } from './instance.ts'
import { Records } from './records.ts'
import { type Make, type MultipassWishes, multipassSettings } from './settings.ts'
import { Workplace } from './workplace.ts'

/** An instance that is to be there, or to go. */
interface Subject {
  host: string
  instance: string
  /** Left out, it is only removed. */
  make?: Make
}

/** What `sluice up` and `sluice destroy` do with Multipass. */
export const multipassControls: CloudControls = {
  async up(options): Promise<CloudPlan> {
    const settings = multipassSettings(options.projectDirectory, wishesOf(options))
    const records = new Records(options.projectDirectory)
    const kept = await records.all()
    const subjects = settings.hosts.map(({ name, instance: declared, make }) => ({
      host: name,
      // One that is there keeps its name, also when the project's folder has moved.
      instance: kept.get(name)?.instance ?? declared,
      make,
    }))
    const undeclared = [...kept].filter(([host]) => subjects.every((each) => each.host !== host))
    if (undeclared.length > 0) {
      const names = undeclared.map(([, { instance: name }]) => name).join(', ')
      options.progress(`multipass: not declared any more, and left alone: ${names}`)
    }
    return runOf('up', subjects, new Workplace(new Multipass(options.signal), records, settings.user))
  },

  async down({ projectDirectory, signal }): Promise<CloudRemoval | undefined> {
    const { user } = multipassSettings(projectDirectory)
    const records = new Records(projectDirectory)
    const kept = [...(await records.all())]
    if (kept.length === 0) return undefined
    const multipass = new Multipass(signal)
    const left = async () => {
      const there = await multipass.list()
      return kept.flatMap(([host, { instance: name }]) => {
        const found = there.find((each) => each.name === name)
        return found === undefined ? [] : [{ host, instance: name, state: found.state }]
      })
    }
    const ours = await left()
    const leftovers = async () => {
      const still = await left()
      const gone = kept.filter(([host]) => still.every((each) => each.host !== host))
      for (const [host] of gone) await records.forget(host)
      if (still.length === 0) await records.forgetKey()
      return still.map(({ instance: name }) => name)
    }
    const subjects = ours.map(({ host, instance: name }) => ({ host, instance: name }))
    return {
      ...runOf('destroy', subjects, new Workplace(multipass, records, user)),
      summary: `the instances of Multipass that sluice up made`,
      things: ours.map(({ host, instance: name, state }) => `${host} (${name}, ${state})`),
      leftovers,
    }
  },
}

/** @throws SluiceError USAGE for what only a cloud has */
function wishesOf({ wishes }: CloudOptions): MultipassWishes {
  refuseOtherWishes(wishes, ['image', 'diskGb'], {
    machines: 'instances of Multipass',
    instead: 'the section multipass of sluice.config.json has admin, cpus, memory and disk',
  })
  const { image, diskGb } = wishes
  return { ...(image !== undefined && { image }), ...(diskGb !== undefined && { disk: `${diskGb}G` }) }
}

/** The hosts of the run are the instances, so that they are made at the same time. */
function runOf(name: 'up' | 'destroy', subjects: readonly Subject[], workplace: Workplace): CloudRun {
  return machineRun(name, {
    inventory: 'multipass',
    machines: 'instances of Multipass',
    hosts: subjects.map(({ host, instance: address }) => hostToMake(host, address)),
    resources: (host) => subjects.filter((each) => each.host === host.name).map(instance),
    workplace,
  })
}
