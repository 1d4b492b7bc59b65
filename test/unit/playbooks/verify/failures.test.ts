import test from 'ava'
import { failureLines } from '../../../../playbooks/verify/failures.ts'
import type { CheckResult, VerifyResult } from '../../../../playbooks/verify/result.ts'

const check = (name: string, host: string | undefined, fields: Partial<CheckResult>): CheckResult => ({
  name,
  ...(host !== undefined && { host }),
  status: 'failed',
  detail: 'is inactive (dead), should be active',
  look: [],
  durationMs: 1,
  ...fields,
})

const linesOf = (checks: CheckResult[]) => {
  const result: VerifyResult = {
    status: 'failed',
    inventory: 'lab',
    checks,
    counts: [],
    matrix: [],
    durationMs: 1,
  }
  return failureLines(result, (_style, text) => text)
}

const journal = (host: string, unit: string) => ({
  host,
  command: `journalctl --unit ${unit}`,
  lines: [
    '2026-11-21T21:21:12+0000 vm1 java[1]: INFO much talk',
    `2026-11-21T21:21:13+0000 vm1 systemd[1]: Stopped ${unit}.`,
  ],
})

const unit = (name: string, host: string) =>
  check(name, host, { advice: 'sluice provision', look: [journal(host, name)] })

test('a remedy is said once for all that it serves, with what each host says and what follows', (t) => {
  const lines = linesOf([
    unit('kafka.service', 'vm1'),
    unit('mongod.service', 'vm2'),
    check('kafka', 'vm1', { status: 'skipped', detail: 'kafka.service on vm1 failed' }),
    check('batch', undefined, { status: 'skipped', detail: 'kafka.service on vm1 failed' }),
    check('producer doctor', 'vm4', {
      detail: 'kafka: no answer',
      advice: 'look first at what it cannot reach',
      because: ['kafka.service on vm1'],
    }),
  ])

  t.deepEqual(lines, [
    '',
    'what failed, the cause first',
    '',
    'kafka.service on vm1: is inactive (dead), should be active',
    'mongod.service on vm2: is inactive (dead), should be active',
    '  do    sluice provision',
    '  look  vm1: journalctl --unit kafka.service',
    '          2026-11-21 21:21:13 systemd: Stopped kafka.service.',
    '  look  vm2: journalctl --unit mongod.service',
    '          2026-11-21 21:21:13 systemd: Stopped mongod.service.',
    '  so    producer doctor on vm4: kafka: no answer',
    '        2 checks skipped: kafka on vm1, batch',
  ])
})

test('hosts with the same failure are one line, and what they say is shown of three', (t) => {
  const hosts = ['vm1', 'vm2', 'vm3', 'vm4', 'vm5']

  const lines = linesOf(hosts.map((host) => unit('producer@1.service', host)))

  t.is(lines[3], 'producer@1.service on vm1, vm2, vm3, vm4, vm5: is inactive (dead), should be active')
  t.is(lines.filter((line) => line.startsWith('  look')).length, 3)
})

test('the most upstream failure comes first, whenever it was found', (t) => {
  const lines = linesOf([
    check('producer doctor', 'vm4', { advice: 'look at it' }),
    unit('kafka.service', 'vm1'),
    check('login', 'vm2', { advice: 'check that the host is up' }),
  ])

  t.deepEqual(
    lines.filter((line) => line.includes(' on vm')).map((line) => line.split(':')[0]),
    ['login on vm2', 'kafka.service on vm1', 'producer doctor on vm4'],
  )
})

test('the same is looked at once, however many checks it explains', (t) => {
  const look = [journal('vm2', 'mongod.service')]
  const lines = linesOf([
    check('mongodb', 'vm2', { advice: 'read it', look }),
    check('indexes', 'vm2', { advice: 'read it', look }),
  ])

  const otherRemedy = linesOf([
    check('mongodb', 'vm2', { advice: 'read it', look }),
    check('indexes', 'vm2', { advice: 'make them', look }),
  ])

  t.is(lines.filter((line) => line.startsWith('  look')).length, 1)
  t.deepEqual(
    otherRemedy.filter((line) => line.startsWith('  look')),
    [
      '  look  vm2: journalctl --unit mongod.service',
      '  look  vm2: journalctl --unit mongod.service (above)',
    ],
  )
  t.is(otherRemedy.filter((line) => line.includes('Stopped')).length, 1)
})

test('where nothing failed nothing is said', (t) => {
  t.deepEqual(linesOf([check('login', 'vm1', { status: 'passed' })]), [])
})
