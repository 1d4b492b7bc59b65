import test from 'ava'
import { withCauses } from '../../../../playbooks/verify/causes.ts'
import type { Attempt, CheckResult } from '../../../../playbooks/verify/result.ts'

const failed = (name: string, host: string, fields: Partial<CheckResult> = {}): CheckResult => ({
  name,
  host,
  status: 'failed',
  detail: 'broken',
  look: [],
  durationMs: 1,
  ...fields,
})

const places = { kafka: ['vm1'], mongodb: ['vm2'] }

const surroundings = (matrix: Attempt[] = []) => ({
  matrix,
  hostsOf: (part: keyof typeof places) => places[part],
})

const causesOf = (checks: CheckResult[], matrix?: Attempt[]) =>
  withCauses(checks, surroundings(matrix)).map(({ because }) => because)

test('what lacked a part of the pipeline follows from what failed there', (t) => {
  t.deepEqual(
    causesOf([
      failed('kafka.service', 'vm1'),
      failed('mongod.service', 'vm2'),
      failed('readiness', 'vm3', { lacks: ['kafka', 'mongodb'] }),
      failed('producer doctor', 'vm4', { lacks: ['kafka'] }),
    ]),
    [undefined, undefined, ['kafka.service on vm1', 'mongod.service on vm2'], ['kafka.service on vm1']],
  )
})

test('what lacks a part that is well elsewhere stands for itself', (t) => {
  const readiness = failed('readiness', 'vm3', { lacks: ['kafka', 'mongodb'] })

  t.deepEqual(causesOf([failed('kafka.service', 'vm1'), readiness]), [undefined, undefined])
  t.deepEqual(causesOf([failed('kafka.service', 'vm1'), failed('health', 'vm3')]), [undefined, undefined])
})

test('a host that does not let the controller in explains what needs its part', (t) => {
  const checks = [failed('login', 'vm2'), failed('readiness', 'vm3', { lacks: ['mongodb'] })]

  t.deepEqual(causesOf(checks), [undefined, ['login on vm2']])
})

test('a firewall that keeps a host from Kafka explains what it lacked, one that lets in too much does not', (t) => {
  const attempt = { from: 'vm4', to: 'vm1', address: '10.0.1.10', port: 9092 }
  const checks = [failed('producer doctor', 'vm4', { lacks: ['kafka'] }), failed('firewall', 'vm4')]

  t.deepEqual(causesOf(checks, [{ ...attempt, allowed: true, got: 'timeout' }]), [
    ['firewall on vm4'],
    undefined,
  ])
  t.deepEqual(causesOf(checks, [{ ...attempt, allowed: false, got: 'open' }]), [undefined, undefined])
})

test('a broker that does not answer while ZooKeeper is down follows from that', (t) => {
  t.deepEqual(causesOf([failed('zookeeper.service', 'vm1'), failed('kafka', 'vm1')]), [
    undefined,
    ['zookeeper.service on vm1'],
  ])
})
