import * as v from 'valibot'
import { SluiceError } from '../../engine/errors.ts'
import { compare, defineResource } from '../../engine/resource.ts'
import { programStep, workplaceIn } from '../program-connection.ts'
import { nextStep } from './listing.ts'
import type { Kept } from './records.ts'
import { Make } from './settings.ts'
import { Workplace } from './workplace.ts'

const Spec = v.strictObject({
  /** The name of the host in the inventory. */
  host: v.string(),
  instance: v.string(),
  /** Left out, there is only something to be removed. */
  make: v.optional(Make),
})

interface Have {
  state: string
  /** `undefined` where somebody else made it. */
  kept: Kept | undefined
}

/** On the way to what is wanted, or there. */
const comingUp = ['Running', 'Starting', 'Restarting']
const startable = ['Stopped', 'Suspended']

/** One instance of Multipass that runs. What is there is left as it is: only a stopped one is started. */
export const instance = defineResource<typeof Spec, Have>({
  kind: 'instance',
  spec: Spec,
  id: ({ instance: name }) => name,
  reads: ({ instance: name }) => [`instance/${name}`],
  touches: ({ instance: name }) => [`instance/${name}`],

  probe: ({ host, instance: name }) => ({
    async read(access) {
      const { multipass, records } = workplaceIn(Workplace, access)
      const found = (await multipass.list()).find((each) => each.name === name)
      if (found === undefined) return undefined
      const kept = await records.of(host)
      return { state: found.state, kept: kept?.instance === name ? kept : undefined }
    },
  }),

  diff({ instance: name, make }, have) {
    if (make === undefined) return []
    if (have === undefined) return compare({ state: 'Running', ...texts(make) }, {})
    if (have.kept === undefined) throw foreign(name)
    const unlike = compare(texts(make), texts(have.kept.make))
    if (unlike.length > 0) {
      const sides = unlike.map(({ property, have: was, want }) => `${property} is ${was}, should be ${want}`)
      throw new SluiceError('INSTANCE_CONFLICT', {
        subject: `${name} is there and is not changed in this: ${sides.join('; ')}`,
        advice:
          'declare what there is (section multipass of sluice.config.json), or sluice destroy -i multipass and make it anew: that loses what is on it',
      })
    }
    if (comingUp.includes(have.state)) return []
    if (startable.includes(have.state)) return compare({ state: 'Running' }, { state: have.state })
    throw new SluiceError('INSTANCE_NOT_RUNNING', {
      subject: `${name} is ${have.state}, from which it is not started`,
      at: 'multipass list',
      advice: nextStep({ name, state: have.state }),
    })
  },

  apply({ host, instance: name, make }, have) {
    if (make === undefined) return []
    if (have !== undefined)
      return [programStep(Workplace, `start ${name}`, ({ multipass }) => multipass.start(name))]
    return [
      programStep(Workplace, `launch ${name}`, async (workplace) => {
        const userData = await workplace.userData()
        // On record before it is there: an instance that nobody knows of could not be removed.
        await workplace.records.keep(host, { instance: name, make, hostKeys: [] })
        await workplace.multipass.launch(name, make, userData)
      }),
    ]
  },

  remove({ host, instance: name }, { kept }) {
    if (kept === undefined) throw foreign(name)
    return [
      programStep(Workplace, `delete ${name} for good`, async ({ multipass, records }) => {
        await multipass.purge(name)
        await records.forget(host)
      }),
    ]
  },
})

function texts({ image, cpus, memory, disk }: Make) {
  return { image, cpus: String(cpus), memory, disk }
}

function foreign(name: string): SluiceError {
  return new SluiceError('INSTANCE_CONFLICT', {
    subject: `${name} is there, and nothing on record says that it was made here`,
    at: 'multipass list',
    advice: `remove it if nobody needs it (multipass delete --purge ${name}), or choose other names: "multipass": { "prefix": "…" } in sluice.config.json`,
  })
}
