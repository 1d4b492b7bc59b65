import { SluiceError } from '../../engine/errors.ts'
import * as host from './host.ts'
import type { LabSettings } from './settings.ts'
import { readHosts } from './state.ts'

/** Restarts a host from inside (`reboot`) and waits until it is ready again. */
export async function rebootHost(settings: LabSettings, name: string, signal?: AbortSignal): Promise<void> {
  await recordOf(settings, name)
  await host.restart(settings, name, signal)
}

/** Halts a host in order. Its files stay. */
export async function stopHost(settings: LabSettings, name: string): Promise<void> {
  await recordOf(settings, name)
  await host.halt(settings, name)
}

/** Starts a host that is off and waits until it is ready. */
export async function startHost(settings: LabSettings, name: string, signal?: AbortSignal): Promise<void> {
  const { base } = await recordOf(settings, name)
  await host.switchOn(settings, name, base)
  await host.untilReady(settings, name, { signal })
}

/** Takes the power from a host: every process in it ends at once. Its files stay, as they are at that moment. */
export async function cutPower(settings: LabSettings, name: string): Promise<void> {
  await recordOf(settings, name)
  await host.cutPower(settings, name)
}

async function recordOf(settings: LabSettings, name: string) {
  const hosts = await readHosts(settings)
  const record = hosts.get(name)
  if (record !== undefined) return record
  throw new SluiceError('HOSTS_UNKNOWN', {
    subject: `the lab has no host ${name}`,
    advice:
      hosts.size === 0
        ? 'bring the lab up: npm run lab -- up'
        : `name one of: ${[...hosts.keys()].join(', ')}`,
  })
}
