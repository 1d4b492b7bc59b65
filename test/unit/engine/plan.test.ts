import test from 'ava'
import { planHost } from '../../../engine/plan.ts'
import { concerns, type Resource } from '../../../engine/resource.ts'
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

  const { planned, ok } = planHost('vm1', placed(package_, below), readings, 'check')

  t.is(ok, 0)
  t.deepEqual(
    planned.map(({ resource, changes, after }) => [resource, changes.length, after]),
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

  const { planned } = planHost(
    'vm1',
    placed(service, topic),
    new Map([
      [service, read(undefined)],
      [topic, refused],
    ]),
    'check',
  )

  t.deepEqual(planned[1]?.after, ['note /unit'])
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
