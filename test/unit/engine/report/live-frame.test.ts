import test from 'ava'
import type { RunEvent } from '../../../../engine/events.ts'
import { frame } from '../../../../engine/report/live-frame.ts'
import { RunProgress } from '../../../../engine/report/run-progress.ts'
import { hostResult, plain, unreachable } from '../../../support/events.ts'

const screen = { rows: 24, columns: 100, now: 5000, spinner: '*', stopping: false, paint: plain }

function after(events: RunEvent[]): RunProgress {
  const progress = new RunProgress()
  for (const event of events) progress.accept(event, 1000)
  return progress
}

const started = (hosts: string[]): RunEvent => ({
  type: 'run-started',
  playbook: 'provision',
  mode: 'apply',
  hosts,
})
const many = (count: number) => Array.from({ length: count }, (_, index) => `vm${index + 1}`)
const place = { host: 'vm1', play: 'kafka', role: 'kafka', resource: 'artifact kafka' }

test('a host shows how long it took so far, how many changes are done, and what it is at', (t) => {
  const progress = after([
    started(['vm1', 'vm2']),
    { type: 'host-connecting', host: 'vm1', address: '10.0.0.1:22' },
    { type: 'host-surveyed', host: 'vm1', resources: 30, pending: 12, durationMs: 1 },
    { type: 'resource-progress', place, message: 'upload: 45 %' },
  ])

  const lines = frame(progress, screen)

  t.regex(lines[0] ?? '', /^provision {2}0 of 2 hosts ended {2}4\.0 s {2}Ctrl-C/)
  t.regex(lines[1] ?? '', /^\* vm1 +4\.0 s +0\/12 +kafka +artifact kafka {2}upload: 45 %$/)
  t.regex(lines[2] ?? '', /^· vm2 +not begun$/)
})

test('of several plays a host shows the one that it is at, unless the role says it or it would take room', (t) => {
  const working = (host: string, play: string, role: string): RunEvent => ({
    type: 'resource-started',
    place: { host, play, role, resource: 'file /etc/zookeeper/zoo.cfg' },
  })
  const one = after([started(['vm1']), working('vm1', 'base', 'sshd')])
  const several = after([
    started(['vm1', 'vm2']),
    working('vm1', 'kafka', 'zookeeper'),
    working('vm2', 'mongodb', 'mongodb'),
  ])

  t.regex(frame(one, screen)[1] ?? '', / {2}sshd {10}file \/etc/)
  t.regex(frame(several, screen)[1] ?? '', / {2}kafka\/zookeeper {2}file \/etc\/zookeeper\/zoo\.cfg$/)
  t.regex(frame(several, screen)[2] ?? '', / {2}mongodb {7}file \/etc/)
  const narrow = frame(several, { ...screen, columns: 72 })[1] ?? ''
  t.regex(narrow, / {2}zookeeper {5}file \/etc\/zookeeper\/zoo\.cfg$/)
})

test('how far it is stays visible on a narrow screen', (t) => {
  const resource = `file ${'/long'.repeat(30)}`
  const progress = after([
    started(['vm1']),
    { type: 'resource-progress', place: { ...place, resource }, message: 'upload: 45 %' },
  ])

  const lines = frame(progress, { ...screen, columns: 80 })

  t.regex(lines[1] ?? '', /… {2}upload: 45 %$/)
})

test('with a hundred hosts there are never more lines than the screen has, and none is too long', (t) => {
  const names = many(100)
  const progress = after([
    started(names),
    ...names.slice(0, 60).map((host): RunEvent => ({ type: 'host-connecting', host, address: `${host}:22` })),
    ...names.slice(0, 40).map(
      (host): RunEvent => ({
        type: 'host-ended',
        result:
          host === 'vm7'
            ? hostResult(host, { status: 'failed', error: unreachable(host, 'vm7') })
            : hostResult(host),
      }),
    ),
  ])

  const lines = frame(progress, { ...screen, columns: 60 })

  t.true(lines.length < screen.rows)
  t.true(lines.every((line) => line.length < 60))
  t.true(lines.some((line) => line.includes('✖ vm7')))
  t.true(lines.some((line) => line.includes('connecting to vm41:22')))
  t.regex(lines.at(-1) ?? '', /and 80 more hosts: 39 ended/)
})

test('when many hosts fail, those at work are still seen', (t) => {
  const names = many(100)
  const progress = after([
    started(names),
    ...names.slice(0, 90).map(
      (host): RunEvent => ({
        type: 'host-ended',
        result: hostResult(host, { status: 'failed', error: unreachable(host, host) }),
      }),
    ),
    { type: 'host-connecting', host: 'vm95', address: 'vm95:22' },
  ])

  t.true(frame(progress, screen).some((line) => line.includes('connecting to vm95:22')))
})

test('after Ctrl-C it says that the steps in hand are finished', (t) => {
  t.regex(
    frame(after([started(['vm1'])]), { ...screen, stopping: true })[0] ?? '',
    /Stopping after the steps in hand/,
  )
})
