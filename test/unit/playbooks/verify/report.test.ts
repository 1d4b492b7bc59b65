import test from 'ava'
import * as v from 'valibot'
import { matrixLines } from '../../../../playbooks/verify/matrix-view.ts'
import { checkLine, conclusionLines } from '../../../../playbooks/verify/report.ts'
import { type Attempt, VerifyDocument, type VerifyResult } from '../../../../playbooks/verify/result.ts'

const plain = (_style: unknown, text: string) => text

const attempt = (from: string, to: string, port: number, fields: Partial<Attempt> = {}): Attempt => ({
  from,
  to,
  address: '10.0.1.10',
  port,
  allowed: false,
  got: 'timeout',
  ...fields,
})

const open = { allowed: true, got: 'open' } as const

const failedResult: VerifyResult = {
  status: 'failed',
  inventory: 'lab',
  checks: [
    { name: 'login', host: 'vm1', status: 'passed', detail: 'ok', look: [], durationMs: 12 },
    {
      name: 'kafka.service',
      host: 'vm1',
      status: 'failed',
      detail: 'is inactive (dead), should be active',
      advice: 'systemctl start kafka.service',
      look: [{ host: 'vm1', command: 'journalctl --unit kafka.service', lines: ['Stopped Kafka broker.'] }],
      durationMs: 3,
    },
    { name: 'batch', status: 'skipped', detail: 'kafka.service on vm1 failed', look: [], durationMs: 0 },
  ],
  counts: [{ collection: 'gpu_metrics', before: 10, after: 34, marked: 20, expected: 20 }],
  latency: { documents: 40, p50Ms: 41, p95Ms: 88, longestMs: 90, resolutionMs: 27 },
  matrix: [attempt('vm1', 'vm2', 22), attempt('vm3', 'vm1', 9092, open)],
  durationMs: 4200,
}

test('a line of a check says what became of it, where, in which time and what was found', (t) => {
  const lines = failedResult.checks.map((check) => checkLine(check, 4, plain))

  t.regex(lines[0] ?? '', /^✓ login +vm1 +12 ms {2}ok$/)
  t.regex(lines[1] ?? '', /^✗ kafka\.service +vm1 +3 ms {2}is inactive/)
  t.regex(lines[2] ?? '', /^- batch +skipped {2}kafka\.service on vm1 failed$/)
})

test('the end of a report has counts, latency, the matrix, and of each failure what to look at', (t) => {
  const text = conclusionLines(failedResult, plain).join('\n')

  t.regex(text, /gpu_metrics {2}10 before {2}34 after {2}20 of the batch, should be 20/)
  t.regex(text, /p50 41 ms, p95 88 ms/)
  t.regex(text, /kafka\.service on vm1: is inactive/)
  t.regex(text, /look {2}vm1: journalctl --unit kafka\.service\n +Stopped Kafka broker\./)
  t.true(text.endsWith('NOT VERIFIED: 1 passed, 1 failed, 1 skipped in 4.2 s'))
})

test('the matrix shows by host which ports got through', (t) => {
  const lines = matrixLines([
    attempt('vm3', 'vm1', 22),
    attempt('vm3', 'vm1', 9092, open),
    attempt('vm3', 'vm1', 9092, { allowed: true, got: 'refused', address: 'fd77::a' }),
    attempt('vm4', 'vm1', 9092, { allowed: true, got: 'refused' }),
    attempt('vm4', 'vm3', 22),
  ])

  t.deepEqual(lines, ['from \\ to  vm1     vm3', 'vm3        9092', 'vm4        (9092)  ·'])
})

test('the matrix marks what got through and may not, and what may and did not, with the family if it is one', (t) => {
  const [, row = ''] = matrixLines([
    attempt('vm4', 'vm1', 22, { got: 'open' }),
    attempt('vm4', 'vm1', 22, { got: 'timeout', address: 'fd77::a' }),
    attempt('vm4', 'vm1', 9092, { allowed: true }),
    attempt('vm4', 'vm1', 27017, { got: 'refused' }),
  ])

  t.is(row, 'vm4        22!v4 -9092 27017!')
})

test('a matrix of many hosts is a list of what got through', (t) => {
  const hosts = Array.from({ length: 30 }, (_, index) => `vm${index + 1}`)
  const attempts = hosts.flatMap((to) =>
    to === 'vm2' ? [] : [attempt('vm2', to, 9092, to === 'vm10' ? open : {})],
  )

  t.deepEqual(matrixLines(attempts), ['vm2 → vm10 9092'])
})

test('what --json prints has the documented form', (t) => {
  const [check] = failedResult.checks
  const documents = [
    { type: 'check-ended', check },
    { type: 'verify-ended', result: failedResult },
  ]

  for (const document of documents) {
    t.notThrows(() => v.parse(VerifyDocument, JSON.parse(JSON.stringify(document))))
  }
})
