import { appendFileSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { SluiceError } from '../../../../engine/errors.ts'
import type { HostResult } from '../../../../engine/events.ts'
import { failedHosts, listRuns, readRun, recordRun } from '../../../../engine/report/run-record.ts'
import { scratch } from '../../../support/resources.ts'

const run = { playbook: 'provision', inventory: 'lab', version: '0.1.0' }
const result = (host: string, status: HostResult['status']): HostResult => ({
  host,
  status,
  ok: 1,
  changed: [],
  notTried: [],
  durationMs: 12.4,
  ...(status === 'failed' && { error: new SluiceError('STEP_FAILED', { subject: 'it failed' }) }),
})

function recorded(project: string, hosts: HostResult[], ended = true) {
  const record = recordRun(project, run)
  record.emit({
    type: 'run-started',
    playbook: 'provision',
    mode: 'apply',
    hosts: hosts.map(({ host }) => host),
  })
  for (const each of hosts) record.emit({ type: 'host-ended', result: each })
  if (ended) {
    const whole = { playbook: 'provision', mode: 'apply' as const, hosts, durationMs: 20, interrupted: false }
    record.emit({ type: 'run-ended', result: whole })
  }
  record.close()
}

test('what a run said can be read back, and nobody else may read it', (t) => {
  const project = scratch()
  recorded(project, [result('vm1', 'ok'), result('vm2', 'failed')])

  const [id = ''] = listRuns(project)
  const { header, end } = readRun(project, id)

  t.regex(id, /^\d{4}-\d\d-\d\dT\d{6}\.\d{3}Z-provision$/)
  t.is(header.inventory, 'lab')
  t.is(end?.result.hosts[1]?.error?.code, 'STEP_FAILED')
  const [file = ''] = readdirSync(join(project, '.sluice', 'runs'))
  t.is(statSync(join(project, '.sluice', 'runs', file)).mode & 0o777, 0o600)
})

test('the failed hosts of the newest run are known, and those of a run that was killed', (t) => {
  const project = scratch()
  t.is(failedHosts(project), undefined)
  recorded(project, [result('vm1', 'ok'), result('vm2', 'failed'), result('vm3', 'skipped')])
  t.deepEqual(failedHosts(project), ['vm2', 'vm3'])

  recorded(project, [result('vm4', 'ok')], false)

  t.deepEqual(failedHosts(project), ['vm4'])
})

test('half a line at the end of a record is left out, and damage is an error that names the file', (t) => {
  const project = scratch()
  recorded(project, [result('vm1', 'ok')])
  const [id = ''] = listRuns(project)
  const file = join(project, '.sluice', 'runs', `${id}.jsonl`)
  appendFileSync(file, '{"type":"host-')
  t.is(readRun(project, id).documents.length, 3)

  appendFileSync(file, 'x"}\n')

  const error = t.throws(() => readRun(project, id), { instanceOf: SluiceError })
  t.is(error?.at, file)
  t.throws(() => readRun(project, '../../etc/passwd'), { message: /USAGE.*there is no run/ })
})
