import test from 'ava'
import { CheckFailure } from '../../../../playbooks/verify/checklist.ts'
import { judgeBrokers, judgeTopics } from '../../../../playbooks/verify/kafka.ts'
import { judgeIndexes } from '../../../../playbooks/verify/mongodb.ts'
import { judgeReadiness } from '../../../../playbooks/verify/processor.ts'
import { judgeHost, judgeUnit, parseUnits } from '../../../../playbooks/verify/units.ts'
import { localConnection } from '../../../support/local-connection.ts'

const partition = (number: number, leader = 1, inSync = 1) => ({
  partition: number,
  leader,
  replicas: 1,
  inSync,
})

const cluster = (partitions: ReturnType<typeof partition>[]) => ({
  brokers: ['10.0.1.10:9092'],
  topics: new Map([['tokens', partitions]]),
})

test('a topic that is missing, too small, without a leader or behind is a failure that says so', (t) => {
  const expected = new Map([['tokens', 2]])

  t.notThrows(() => judgeTopics(cluster([partition(0), partition(1)]), expected))
  t.throws(() => judgeTopics(cluster([partition(0)]), expected), {
    message: /has 1 partitions, should have 2/,
  })
  t.throws(() => judgeTopics(cluster([partition(0), partition(1, -1)]), expected), {
    message: 'tokens: partition 1 without a leader',
  })
  t.throws(() => judgeTopics(cluster([partition(0, 1, 0), partition(1)]), expected), {
    message: 'tokens: partition 0 with replicas that are behind',
  })
  t.throws(() => judgeTopics(cluster([]), new Map([['other', 1]])), { message: /other is not there/ })
})

test('brokers that do not know one another are no cluster', (t) => {
  t.notThrows(() => judgeBrokers(cluster([]), ['10.0.1.10:9092']))
  t.throws(() => judgeBrokers(cluster([]), ['10.0.1.10:9092', '10.0.1.20:9092']), {
    message: /not 10\.0\.1\.20:9092/,
  })
})

test('an index that is missing is named with its collection', (t) => {
  const server = { version: '7.0.0', writable: true, pingMs: 1, indexes: new Map([['a', ['_id_', 'ts_1']]]) }

  t.notThrows(() => judgeIndexes(server, { a: ['ts_1'] }))
  t.throws(() => judgeIndexes(server, { a: ['model_1'], b: ['ts_1'] }), {
    message: 'a has no index model_1; b has no index ts_1',
  })
})

test('a processor that is not ready says in its own words what it waits for', (t) => {
  const body = JSON.stringify({ ready: false, reasons: { kafka: 'no broker answers' } })

  t.throws(() => judgeReadiness({ status: 503, body }), {
    message: /503, should be 200: kafka: no broker answers/,
  })
  t.throws(() => judgeReadiness({ status: 500, body: '<html>' }), { message: /<html>/ })
})

test('a processor that only lacks Kafka or MongoDB is told from one with a fault of its own', (t) => {
  const lacksOf = (reasons: Record<string, string>) => {
    const body = JSON.stringify({ ready: false, reasons })
    const error = t.throws(() => judgeReadiness({ status: 503, body }), { instanceOf: CheckFailure })
    return error?.lacks
  }

  t.deepEqual(lacksOf({ kafka: 'no answer', 'dead letters': 'no answer' }), ['kafka'])
  t.deepEqual(lacksOf({ kafka: 'no answer', indexes: 'no answer' }), ['kafka', 'mongodb'])
  t.is(lacksOf({ kafka: 'no answer', processor: 'it has stopped' }), undefined)
})

test('a unit that failed and is judged for itself is not said of its host once more', async (t) => {
  const units = parseUnits('Id=ssh.service\nActiveState=active\nSubState=running\n')
  const state = { units, failed: ['kafka.service'], firewallActive: true, clientAddress: '10.0.9.5' }

  const judged = await judgeHost(localConnection(), state, ['kafka.service'])

  t.is(judged.detail, 'sshd and ufw active, no other failed unit')
  await t.throwsAsync(judgeHost(localConnection(), state, []), { message: 'systemd gave up kafka.service' })
})

const shown = `Id=kafka.service
ActiveState=active
SubState=running
UnitFileState=enabled
NRestarts=3

Id=mongod.service
ActiveState=failed
SubState=failed
UnitFileState=enabled
NRestarts=0

Id=processor.service
ActiveState=active
SubState=running
UnitFileState=disabled
NRestarts=0

Id=nothing.service
ActiveState=inactive
SubState=dead
UnitFileState=
NRestarts=0
`

test('a unit passes when it is active and comes back after a reboot; its restarts are said', async (t) => {
  const state = { units: parseUnits(shown), failed: [], firewallActive: true, clientAddress: '10.0.9.5' }
  const judged = (unit: string) => judgeUnit(localConnection(), unit, state)

  t.regex((await judged('kafka.service')).detail, /active \(running\), enabled, 3 restarts/)
  await t.throwsAsync(judged('mongod.service'), { message: /is failed \(failed\), should be active/ })
  await t.throwsAsync(judged('processor.service'), { message: /active but disabled/ })
  await t.throwsAsync(judged('nothing.service'), { message: 'there is no such unit' })
})
