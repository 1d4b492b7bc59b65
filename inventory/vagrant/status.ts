import { SluiceError } from '../../engine/errors.ts'
import { parseLine } from './machine-readable.ts'

/**
 * The states of machines by their names, from what `vagrant status --machine-readable` prints. What is not of that
 * form comes from plugins, and says nothing of a machine.
 *
 * @throws SluiceError PROGRAM_FAILED when a machine is said to be in two states, or none in any
 */
export function parseStatus(text: string): Map<string, string> {
  const states = new Map<string, string>()
  for (const { machine: name, kind, values } of text
    .split(/\r?\n/)
    .flatMap((each) => parseLine(each) ?? [])) {
    if (kind !== 'state' || name === '') continue
    const [state = ''] = values
    const before = states.get(name)
    if (state === '' || (before !== undefined && before !== state)) {
      throw unreadable(`${name} should have one state, got ${JSON.stringify([before, state])}`, text)
    }
    states.set(name, state)
  }
  if (states.size > 0) return states
  throw unreadable('it should name the state of a machine, and names none', text)
}

/** Of a machine whose making Vagrant did not finish: it runs, and lacks its address, for example. */
export const unfinished = 'unfinished'

/** What to do about a machine in another state than `running`, in this inventory's words. */
export function nextStep(name: string, state: string): string {
  const up = 'sluice up -i vagrant'
  const steps: Record<string, string> = {
    [unfinished]: `make it anew: ${up}`,
    not_created: `make it: ${up}`,
    shutoff: `start it: ${up}`,
    poweroff: `start it: ${up}`,
    saved: `start it: ${up}`,
    suspended: `start it: ${up}`,
    paused: `start it: ${up}`,
    aborted: `start it: ${up}`,
    preparing: 'wait until it has started, then run again',
    starting: 'wait until it has started, then run again',
    stopping: `wait until it has stopped, then start it: ${up}`,
  }
  return steps[state] ?? `see what is the matter with ${name} in .sluice/vagrant: vagrant status ${name}`
}

function unreadable(subject: string, text: string): SluiceError {
  return new SluiceError('PROGRAM_FAILED', {
    subject,
    at: 'vagrant status --machine-readable',
    why: text.trim().slice(0, 500),
    advice: 'see what vagrant status says in .sluice/vagrant; Vagrant 2.2 and later are known',
  })
}
