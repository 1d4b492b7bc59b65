import { type Outcome, runBatch } from './batch.ts'
import { reasonOf, SluiceError } from './errors.ts'
import type { ControllerAccess, ControllerProbe, HostProbe, Resource } from './resource.ts'
import type { Script } from './shell.ts'

/** The answer of a probe. That something is not there is an answer (`have` undefined); that it cannot be told is none. */
export type Reading = { state: 'read'; have: unknown } | { state: 'refused'; why: string; cause?: unknown }

const probeTimeoutSeconds = 30

/** One script, and what its outcome says of the resources that it asks for. */
interface Question {
  script: Script
  answer(outcome: Outcome): readonly (readonly [Resource, Reading])[]
}

interface OnHost {
  resource: Resource
  probe: HostProbe<unknown>
}

/**
 * Reads the state of all these resources: what the host can tell in one round trip, the rest beside it. Those of a kind
 * are asked together where the kind can; one that this does not tell enough of is then asked on its own, so that
 * nothing that is wrong with it is put down to another.
 */
export async function survey(
  resources: readonly Resource[],
  access: ControllerAccess,
): Promise<Map<Resource, Reading>> {
  const onHost: OnHost[] = []
  const onController: { resource: Resource; probe: ControllerProbe<unknown> }[] = []
  for (const resource of resources) {
    const { probe } = resource
    if ('script' in probe) onHost.push({ resource, probe })
    else onController.push({ resource, probe })
  }
  const [fromHost, fromController] = await Promise.all([
    readByHost(onHost, access),
    Promise.all(
      onController.map(
        async ({ resource, probe }) => [resource, await readByController(probe, access)] as const,
      ),
    ),
  ])
  return new Map([...fromHost, ...fromController])
}

async function readByHost(
  onHost: readonly OnHost[],
  access: ControllerAccess,
): Promise<Map<Resource, Reading>> {
  const readings = await ask(questions(onHost), access)
  const left = onHost.filter(({ resource }) => !readings.has(resource))
  return new Map([...readings, ...(await ask(left.map(alone), access))])
}

async function ask(asked: readonly Question[], access: ControllerAccess): Promise<Map<Resource, Reading>> {
  const outcomes = await runBatch(
    access.connection,
    asked.map(({ script }) => script),
    { stopOnFailure: false, timeoutSeconds: () => probeTimeoutSeconds, keepShell: true },
  )
  return new Map(
    asked.flatMap(({ script, answer }, index) => {
      const outcome = outcomes[index]
      if (outcome === undefined) throw new TypeError(`no outcome for ${script.shown}`)
      return answer(outcome)
    }),
  )
}

/** One for each kind that can be asked together, and one for each resource of the other kinds. */
function questions(onHost: readonly OnHost[]): Question[] {
  const byKind = Map.groupBy(onHost, ({ resource }) => resource.joint?.kind)
  const others = byKind.get(undefined) ?? []
  byKind.delete(undefined)
  return [...[...byKind.values()].map(together), ...others.map(alone)]
}

function alone({ resource, probe }: OnHost): Question {
  const refused = ({ exitCode, stderr }: Outcome): Reading => ({
    state: 'refused',
    why: `exit code ${exitCode}\n${stderr}`.trim(),
  })
  return {
    script: probe.script,
    answer: (outcome) => [
      [resource, outcome.exitCode === 0 ? readOutput(probe, outcome.stdout) : refused(outcome)],
    ],
  }
}

function together(onHost: readonly OnHost[]): Question {
  const joint = onHost.flatMap(({ resource }) => resource.joint ?? [])
  const [first] = joint
  if (first === undefined) throw new TypeError('these cannot be asked together')
  const { script, parse } = first.kind.probe(joint.map(({ spec }) => spec))
  return {
    script,
    answer({ exitCode, stdout }) {
      if (exitCode !== 0) return []
      const answers = parse(linesOf(stdout))
      return onHost.flatMap(({ resource }, index) => {
        const answer = answers[index]
        return answer === undefined ? [] : [[resource, { state: 'read', have: answer.have }] as const]
      })
    },
  }
}

function linesOf(stdout: string): string[] {
  const text = stdout.replace(/\n$/, '')
  return text === '' ? [] : text.split('\n')
}

function readOutput(probe: HostProbe<unknown>, stdout: string): Reading {
  try {
    return { state: 'read', have: probe.parse(linesOf(stdout)) }
  } catch (cause) {
    if (!(cause instanceof SluiceError)) throw cause
    return { state: 'refused', why: cause.subject, cause }
  }
}

async function readByController(probe: ControllerProbe<unknown>, access: ControllerAccess): Promise<Reading> {
  try {
    return { state: 'read', have: await probe.read(access) }
  } catch (cause) {
    return { state: 'refused', why: reasonOf(cause), cause }
  }
}
