import { appendFileSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { SluiceError } from '../../../../engine/errors.ts'
import type { HostResult, Mode } from '../../../../engine/events.ts'
import {
  failedHosts,
  isUnderWay,
  listRuns,
  readRun,
  recordRun,
} from '../../../../engine/report/run-record.ts'
import { projectFolder, sluice } from '../../../support/cli.ts'
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

function recorded(project: string, hosts: HostResult[], ended = true, mode: Mode = 'apply') {
  const record = recordRun(project, run)
  record.emit({
    type: 'run-started',
    playbook: 'provision',
    mode,
    hosts: hosts.map(({ host }) => host),
  })
  for (const each of hosts) record.emit({ type: 'host-ended', result: each })
  if (ended) {
    const whole = { playbook: 'provision', mode, hosts, durationMs: 20, interrupted: false }
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

test('a check from cron does not hide which hosts failed before it', (t) => {
  const project = scratch()
  recorded(project, [result('vm1', 'ok'), result('vm2', 'failed')])

  recorded(project, [result('vm1', 'ok'), result('vm2', 'changed')], true, 'check')

  t.deepEqual(failedHosts(project), ['vm2'])
})

test('of very many runs the newest are kept', (t) => {
  const project = scratch()
  const folder = join(project, '.sluice', 'runs')
  mkdirSync(folder, { recursive: true })
  for (let day = 0; day < 600; day++) {
    const at = new Date(Date.UTC(2020, 0, 1 + day)).toISOString().replaceAll(':', '')
    writeFileSync(join(folder, `${at}-provision.jsonl`), '')
  }

  recorded(project, [result('vm1', 'ok')])

  const runs = listRuns(project)
  t.is(runs.length, 500)
  t.is(readRun(project, runs[0] ?? '').header.inventory, 'lab')
  t.regex(runs[1] ?? '', /^2021-08-22/)
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

test('a run that has not ended is under way as long as its very process is', async (t) => {
  const project = projectFolder(t)
  recorded(project, [result('vm1', 'ok')], false)
  const [id = ''] = listRuns(project)
  const file = join(project, '.sluice', 'runs', `${id}.jsonl`)

  t.true(isUnderWay(readRun(project, id)))
  t.regex((await sluice(project, ['log'])).stdout, new RegExp(`is under way, process ${process.pid}`))
  const down = await sluice(project, ['lab', 'down'])
  t.is(down.exitCode, 1)
  t.regex(down.stderr, /^HOST_LOCKED {2}a run is at the hosts of lab, and nothing was removed$/m)
  t.regex(down.stderr, new RegExp(`why {2}${id} by .*, process ${process.pid}$`, 'm'))

  // As another process that has the number now.
  writeFileSync(file, readFileSync(file, 'utf8').replace(/"processStart":"\d+"/, '"processStart":"1"'))

  t.false(isUnderWay(readRun(project, id)))
  t.regex((await sluice(project, ['log'])).stdout, /did not end: it was killed/)
})
