import { SluiceError } from '../../engine/errors.ts'
import type { HostResult, PlannedChange, RunEvent, RunResult } from '../../engine/events.ts'
import type { Paint } from '../../engine/report/terminal.ts'
import type { Change } from '../../engine/resource.ts'

/** Leaves text as it is, as where there are no colours. */
export const plain: Paint = (_, text) => text

export function planned(
  host: string,
  resource: string,
  changes: Change[],
  after: string[] = [],
): PlannedChange {
  return { host, play: 'kafka', role: 'kafka', resource, changes, after }
}

export function hostResult(host: string, rest: Partial<HostResult> = {}): HostResult {
  return { host, status: 'ok', ok: 3, changed: [], notTried: [], durationMs: 1234.4, ...rest }
}

export function runResult(hosts: HostResult[], rest: Partial<RunResult> = {}): RunResult {
  return { playbook: 'provision', mode: 'apply', hosts, durationMs: 2000, interrupted: false, ...rest }
}

export const unreachable = (host: string, address: string) =>
  new SluiceError('HOST_UNREACHABLE', {
    subject: `${address}:22 did not answer by SSH within 10 s`,
    at: host,
    why: 'ETIMEDOUT',
    advice: 'check that the host is up',
  })

const modeChange: Change = { property: 'mode', have: '0644', want: '0640' }
const textChange: Change = {
  property: 'content',
  have: '4 bytes',
  want: '4 bytes',
  text: { have: 'a=1\n', want: 'a=2\n' },
}

/** Every kind of event once, as a run of two hosts would emit them. */
export function everyEvent(): RunEvent[] {
  const change = planned('vm1', 'file /etc/a', [textChange, modeChange])
  const place = { host: 'vm1', play: 'kafka', role: 'kafka', resource: 'file /etc/a' }
  const done = hostResult('vm1', { status: 'changed', changed: [change] })
  const failed = hostResult('vm2', { status: 'failed', ok: 0, error: unreachable('vm2', '10.0.0.2') })
  const profile = {
    hosts: [{ host: 'vm1', connect: 80.9, read: 129.8, apply: 151.6, verify: 12.2 }],
    roles: [{ role: 'kafka', resources: 1, hosts: 1, durationMs: 151.6 }],
    resources: [{ ...place, durationMs: 151.6 }],
  }
  return [
    { type: 'run-started', playbook: 'provision', mode: 'apply', hosts: ['vm1', 'vm2'] },
    { type: 'host-connecting', host: 'vm1', address: '10.0.0.1:22' },
    { type: 'host-surveyed', host: 'vm1', resources: 4, pending: 1, durationMs: 210.7 },
    { type: 'resource-planned', planned: change },
    { type: 'resource-started', place },
    { type: 'resource-progress', place, message: 'upload: 45 %' },
    { type: 'resource-changed', planned: change, durationMs: 120.2 },
    { type: 'resource-waited', place, durationMs: 31.4 },
    { type: 'phase-ended', host: 'vm1', phase: 'connect', durationMs: 80.9 },
    { type: 'host-waiting', host: 'vm1', play: 'producers', needs: ['kafka'] },
    { type: 'host-ended', result: done },
    { type: 'host-ended', result: failed },
    { type: 'run-ended', result: runResult([done, failed], { profile }) },
  ]
}
