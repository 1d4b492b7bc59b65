import { runBatch } from './batch.ts'
import { SluiceError } from './errors.ts'
import type { ControllerAccess, ControllerProbe, HostProbe, Resource } from './resource.ts'

/** The answer of a probe. That something is not there is an answer (`have` undefined); that it cannot be told is none. */
export type Reading = { state: 'read'; have: unknown } | { state: 'refused'; why: string; cause?: unknown }

const probeTimeoutSeconds = 30

/** Reads the state of all these resources: what the host can tell in one round trip, the rest beside it. */
export async function survey(
  resources: readonly Resource[],
  access: ControllerAccess,
): Promise<Map<Resource, Reading>> {
  const onHost: { resource: Resource; probe: HostProbe<unknown> }[] = []
  const onController: { resource: Resource; probe: ControllerProbe<unknown> }[] = []
  for (const resource of resources) {
    const { probe } = resource
    if ('script' in probe) onHost.push({ resource, probe })
    else onController.push({ resource, probe })
  }
  const scripts = onHost.map(({ probe }) => probe.script)
  const [outcomes, controllerReadings] = await Promise.all([
    runBatch(access.connection, scripts, { stopOnFailure: false, timeoutSeconds: () => probeTimeoutSeconds }),
    Promise.all(onController.map(({ probe }) => readByController(probe, access))),
  ])
  const readings = new Map<Resource, Reading>()
  onHost.forEach(({ resource, probe }, index) => {
    const outcome = outcomes[index]
    if (outcome === undefined) throw new TypeError(`no outcome for ${resource.kind} ${resource.id}`)
    readings.set(
      resource,
      outcome.exitCode === 0
        ? readOutput(probe, outcome.stdout)
        : { state: 'refused', why: `exit code ${outcome.exitCode}\n${outcome.stderr}`.trim() },
    )
  })
  onController.forEach(({ resource }, index) => {
    const reading = controllerReadings[index]
    if (reading !== undefined) readings.set(resource, reading)
  })
  return readings
}

function readOutput(probe: HostProbe<unknown>, stdout: string): Reading {
  const text = stdout.replace(/\n$/, '')
  try {
    return { state: 'read', have: probe.parse(text === '' ? [] : text.split('\n')) }
  } catch (cause) {
    if (!(cause instanceof SluiceError)) throw cause
    return { state: 'refused', why: cause.subject, cause }
  }
}

async function readByController(probe: ControllerProbe<unknown>, access: ControllerAccess): Promise<Reading> {
  try {
    return { state: 'read', have: await probe.read(access) }
  } catch (cause) {
    return { state: 'refused', why: cause instanceof Error ? cause.message : String(cause), cause }
  }
}
