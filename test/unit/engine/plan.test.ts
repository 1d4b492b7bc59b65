import test from 'ava'
import { planHost } from '../../../engine/plan.ts'
import { concerns, type Resource } from '../../../engine/resource.ts'
import { waitFor } from '../../../engine/resources/wait-for.ts'
import type { Reading } from '../../../engine/survey.ts'
import { note } from '../../support/resources.ts'

const placed = (...resources: Resource[]) =>
  resources.map((resource) => ({ play: 'play', role: 'role', resource }))
const read = (have: unknown): Reading => ({ state: 'read', have })

test('a resource that reads what a pending change touches is decided after it', (t) => {
  const package_ = note({ path: '/package', content: 'x', touches: ['path:/etc/thing'] })
  const below = note({ path: '/etc/thing/settings', content: 'same' })
  const readings = new Map([
    [package_, read(undefined)],
    [below, read({ content: 'same' })],
  ])

  const { planned, undecided, ok } = planHost('vm1', placed(package_, below), readings, 'check')

  t.is(ok, 0)
  t.deepEqual(
    [...planned, ...undecided].map(({ resource, changes, after }) => [resource, changes.length, after]),
    [
      ['note /package', 1, []],
      ['note /etc/thing/settings', 0, ['note /package']],
    ],
  )
})

test('a state that cannot be told is no error while a pending change explains it', (t) => {
  const service = note({ path: '/unit', content: 'x', touches: ['unit:kafka.service'] })
  const topic = note({ path: '/topic', content: 'y', reads: ['unit:kafka.service'] })
  const refused: Reading = { state: 'refused', why: 'connection refused' }

  const { undecided } = planHost(
    'vm1',
    placed(service, topic),
    new Map([
      [service, read(undefined)],
      [topic, refused],
    ]),
    'check',
  )

  t.deepEqual(undecided[0]?.after, ['note /unit'])
  t.throws(() => planHost('vm1', placed(topic), new Map([[topic, refused]]), 'check'), {
    message: /^PROBE_REFUSED.*note \/topic/,
  })
})

test('a subject stands for what is below it and for nothing that only begins alike', (t) => {
  t.true(concerns('path:/etc', 'path:/etc/hosts'))
  t.true(concerns('path:/etc/hosts', 'path:/etc/hosts'))
  t.false(concerns('path:/etc/host', 'path:/etc/hosts'))
  t.false(concerns('path:/etc/hosts', 'path:/etc'))
})

test('a service that is not ready is no change, but is told', (t) => {
  const ready = waitFor({ unit: 'kafka.service', until: { condition: 'port', port: 9092 } })

  const alone = planHost('vm1', placed(ready), new Map([[ready, read(undefined)]]), 'check')
  const unit = note({ path: '/unit', content: 'x', touches: ['unit:kafka.service'] })
  const behind = planHost(
    'vm1',
    placed(unit, ready),
    new Map([
      [unit, read(undefined)],
      [ready, read(undefined)],
    ]),
    'check',
  )

  t.deepEqual([alone.planned.length, alone.undecided.length], [0, 1])
  t.deepEqual([behind.planned.length, behind.undecided.length, behind.ok], [1, 0, 1])
})
