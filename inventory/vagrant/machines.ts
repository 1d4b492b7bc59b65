import * as v from 'valibot'
import { SluiceError } from '../../engine/errors.ts'
import { type Change, compare, defineResource } from '../../engine/resource.ts'
import { programStep, workplaceIn } from '../program-connection.ts'
import { type Machine, Machines } from './settings.ts'
import { nextStep, unfinished } from './status.ts'
import { machinesFile, vagrantfile as vagrantfileText } from './vagrantfile.ts'
import { Workplace } from './workplace.ts'

const Spec = v.strictObject({
  machines: Machines,
  provider: v.picklist(['libvirt', 'virtualbox']),
})

interface WrittenFiles {
  files: { vagrantfile: string; machines: string } | undefined
  known: Machines
  /** Of those that were made. */
  states: Map<string, string>
}

/** From these `vagrant up` brings a machine to run, with what is on it. */
const startable = ['shutoff', 'poweroff', 'saved', 'suspended', 'paused', 'aborted']
const comingUp = ['running', 'preparing', 'starting']

/** Our Vagrantfile and what it reads. A machine that was made stays in it, declared or not, or nobody could remove it. */
export const vagrantfile = defineResource<typeof Spec, WrittenFiles>({
  kind: 'vagrantfile',
  spec: Spec,
  id: () => '.sluice/vagrant/Vagrantfile',
  reads: () => ['vagrantfile'],
  touches: () => ['vagrantfile'],

  probe: () => ({
    async read(access) {
      const workplace = workplaceIn(Workplace, access)
      const [files, known, states] = await Promise.all([
        workplace.files(),
        workplace.machines(),
        workplace.states(),
      ])
      return { files, known, states }
    },
  }),

  diff({ machines }, have) {
    const wanted = merged(machines, have)
    refuseOtherThanMade(machines, have)
    return [
      ...textChange('Vagrantfile', have?.files?.vagrantfile, vagrantfileText),
      ...textChange('machines.json', have?.files?.machines, machinesFile(wanted)),
    ]
  },

  apply: ({ machines }, have) => [
    programStep(Workplace, 'write it', (workplace) => workplace.write(merged(machines, have))),
  ],
})

/** The machines of the Vagrantfile, which run. */
export const machines = defineResource<typeof Spec, Record<string, string>>({
  kind: 'machines',
  spec: Spec,
  id: ({ machines: all }) => Object.keys(all).join(', '),
  reads: () => ['vagrantfile'],
  touches: () => ['machines'],

  probe: () => ({
    async read(access) {
      return Object.fromEntries(await workplaceIn(Workplace, access).states())
    },
  }),

  diff: ({ machines: all }, have = {}) => Object.keys(all).flatMap((name) => stateChange(name, have[name])),

  // That the Vagrantfile is written first leaves the machines as they are.
  predict: ({ machines: all }, have = {}) =>
    Object.keys(all).flatMap((name) => stateChange(name, have[name])),

  apply({ machines: all, provider }, have = {}) {
    const down = Object.keys(all).filter((name) => stateChange(name, have[name]).length > 0)
    return [
      programStep(Workplace, `vagrant up ${down.join(' ')}`, async (workplace, progress) => {
        const cutShort = down.filter((name) => have[name] === unfinished)
        if (cutShort.length > 0) await workplace.vagrant.destroy(cutShort, progress)
        const isNew = (name: string) => have[name] === undefined || have[name] === unfinished
        // A machine that is made anew has other keys.
        const kept = Object.entries(await workplace.hostKeys())
        await workplace.keepHostKeys(Object.fromEntries(kept.filter(([name]) => !isNew(name))))
        let begun = down.filter(isNew)
        workplace.keepBegun(begun)
        await workplace.vagrant.up(down, provider, {
          onTold: progress,
          onFinished(finished) {
            begun = begun.filter((name) => name !== finished)
            workplace.keepBegun(begun)
          },
        })
      }),
    ]
  },

  remove(_spec, have) {
    const names = Object.keys(have)
    if (names.length === 0) return []
    return [
      programStep(Workplace, `vagrant destroy ${names.join(' ')}`, ({ vagrant }, progress) =>
        vagrant.destroy(names, progress),
      ),
    ]
  },
})

/** What is declared, and what was made and is declared no more. */
function merged(declared: Machines, have: WrittenFiles | undefined): Machines {
  const made = Object.entries(have?.known ?? {}).filter(([name]) => have?.states.has(name))
  return { ...Object.fromEntries(made), ...declared }
}

/** Vagrant would alter some of a machine at its next start, and some never. */
function refuseOtherThanMade(declared: Machines, have: WrittenFiles | undefined): void {
  for (const [name, machine] of Object.entries(declared)) {
    const made = have?.states.has(name) ? have.known[name] : undefined
    const unlike = made === undefined ? [] : compare(texts(machine), texts(made))
    if (unlike.length === 0) continue
    const sides = unlike.map(({ property, have: was, want }) => `${property} is ${was}, should be ${want}`)
    throw new SluiceError('INSTANCE_CONFLICT', {
      subject: `${name} is there and is not changed in this: ${sides.join('; ')}`,
      advice:
        'declare what there is (section vagrant of sluice.config.json), or sluice destroy -i vagrant and make it anew: that loses what is on it',
    })
  }
}

function stateChange(name: string, state: string | undefined): Change[] {
  if (state === undefined || state === unfinished || startable.includes(state)) {
    return [{ property: name, have: state, want: 'running' }]
  }
  if (comingUp.includes(state)) return []
  throw new SluiceError('INSTANCE_NOT_RUNNING', {
    subject: `${name} is ${state}, from which it is not started`,
    at: 'vagrant status',
    advice: nextStep(name, state),
  })
}

function texts(machine: Machine): Record<Exclude<keyof Machine, 'bootSeconds'>, string> {
  const { title, provider, box, boxVersion = 'any', cpus, memoryMb, address, driver = 'default' } = machine
  const [processors, memory] = [String(cpus), String(memoryMb)]
  return { title, provider, box, boxVersion, cpus: processors, memoryMb: memory, address, driver }
}

function textChange(property: string, have: string | undefined, want: string): Change[] {
  if (have === want) return []
  const size = (text: string) => `${Buffer.byteLength(text)} bytes`
  return [
    { property, have: have === undefined ? undefined : size(have), want: size(want), text: { have, want } },
  ]
}
