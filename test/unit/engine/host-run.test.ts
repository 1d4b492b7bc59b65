import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import * as v from 'valibot'
import { SluiceError } from '../../../engine/errors.ts'
import type { Mode } from '../../../engine/events.ts'
import { defineResource, type Resource } from '../../../engine/resource.ts'
import { command } from '../../../engine/resources/command.ts'
import { sh } from '../../../engine/shell.ts'
import { converge } from '../../support/converge.ts'
import { localConnection } from '../../support/local-connection.ts'
import { note, scratch } from '../../support/resources.ts'

const Nothing = v.object({})

/** What a driver throws knows nothing of Sluice. */
const refused = defineResource<typeof Nothing, object>({
  kind: 'refused',
  spec: Nothing,
  id: () => 'by a broker',
  reads: () => [],
  touches: () => [],
  probe: () => ({ read: async () => undefined }),
  diff: () => [{ property: 'state', have: undefined, want: 'there' }],
  apply: () => [
    {
      kind: 'controller',
      summary: 'ask the broker',
      act: () =>
        Promise.reject(Object.assign(new Error('not the controller'), { name: 'KafkaJSProtocolError' })),
    },
  ],
})({})

async function convergeHere(resources: Resource[], mode: Mode = 'apply', signal?: AbortSignal) {
  const connection = localConnection()
  const converged = await converge(connection, resources, { mode, ...(signal && { signal }) }).finally(() =>
    connection.close(),
  )
  return { ...converged, roundTrips: connection.roundTrips }
}

test('resources that are as declared cost one round trip and no change', async (t) => {
  const directory = scratch()
  const notes = ['a', 'b', 'c'].map((name) => note({ path: join(directory, name), content: `${name}\n` }))
  await convergeHere(notes)

  const again = await convergeHere(notes)

  t.deepEqual(again.changed, [])
  t.is(again.ok, 3)
  t.is(again.roundTrips, 1)
})

test('changes that do not concern each other go in one round trip, and are asked again in another', async (t) => {
  const directory = scratch()
  const notes = ['a', 'b', 'c'].map((name) => note({ path: join(directory, name), content: name }))

  const { changed, roundTrips } = await convergeHere(notes)

  t.is(changed.length, 3)
  t.is(roundTrips, 3)
})

test('what an earlier change may have altered is asked again before its own turn', async (t) => {
  const directory = scratch()
  const path = join(directory, 'both')
  // The second reads what the first writes: by its own first reading it would have nothing to do.
  writeFileSync(path, 'second')
  const first = note({
    path: join(directory, 'first'),
    content: 'x',
    touches: [`path:${path}`],
    written: 'x',
  })
  const second = note({ path, content: 'second' })
  const breaking = note({ path: join(directory, 'breaking'), content: 'y', touches: [`path:${path}`] })

  const { changed, ok, error } = await convergeHere([first, second, breaking])

  t.is(error, undefined)
  t.is(changed.length, 2)
  t.is(ok, 1)
})

test('a change that began and failed half-way is told as begun, not as nothing', async (t) => {
  const directory = scratch()
  const first = note({ path: join(directory, 'first'), content: 'x' })
  const halfway = command({
    name: 'halfway',
    script: sh`touch ${join(directory, 'left')}; false`,
    creates: join(directory, 'never'),
  })
  const last = note({ path: join(directory, 'last'), content: 'z' })

  const { changed, begun, notTried } = await convergeHere([first, halfway, last])

  t.true(existsSync(join(directory, 'left')))
  t.deepEqual(changed, [`note ${join(directory, 'first')}`])
  t.deepEqual(begun, ['command halfway'])
  t.deepEqual(notTried, ['command halfway', `note ${join(directory, 'last')}`])
})

test('a driver that fails on the controller is the failure of its resource, with its words', async (t) => {
  const { error } = await convergeHere([refused])

  t.is(error?.code, 'STEP_FAILED')
  t.is(error?.at, 'local > role > refused by a broker')
  t.is(error?.why, 'KafkaJSProtocolError: not the controller')
})

test('a resource that is not as declared after its change is an error, not a change', async (t) => {
  const path = join(scratch(), 'note')

  const { error } = await convergeHere([note({ path, content: 'wanted', written: 'other' })])

  t.is(error?.code, 'NOT_CONVERGED')
  t.regex(error?.subject ?? '', /content should be wanted, is other/)
  t.is(error?.at, `local > role > note ${path}`)
})

test('after a failed step what came before is done, and what comes after was not tried', async (t) => {
  const directory = scratch()
  const [a, b, c] = ['a', 'b', 'c'].map((name) => join(directory, name)) as [string, string, string]

  const { changed, notTried, error } = await convergeHere([
    note({ path: a, content: 'a' }),
    note({ path: b, content: 'b', fails: 7 }),
    note({ path: c, content: 'c' }),
  ])

  t.deepEqual(changed, [`note ${a}`])
  t.deepEqual(notTried, [`note ${b}`, `note ${c}`])
  t.is(error?.code, 'STEP_FAILED')
  t.regex(`${error?.subject} ${error?.why}`, /exit code 7[\s\S]*trouble/)
  t.true(existsSync(a))
  t.false(existsSync(c))
})

test('the plan of a check is what the run then does', async (t) => {
  const directory = scratch()
  writeFileSync(join(directory, 'same'), 'same')
  const notes = ['same', 'new'].map((name) => note({ path: join(directory, name), content: name }))

  const { planned, changed } = await convergeHere(notes)

  t.deepEqual(
    planned.map(({ resource }) => resource),
    changed,
  )
})

test('a resource whose state cannot be told stops the host before anything is changed', async (t) => {
  const directory = scratch()

  const error = await t.throwsAsync(
    convergeHere([
      note({ path: join(directory, 'a'), content: 'a' }),
      note({ path: directory, content: 'b' }),
    ]),
    { instanceOf: SluiceError },
  )

  t.is(error?.code, 'PROBE_REFUSED')
  t.regex(error?.why ?? '', /directory/i)
  t.false(existsSync(join(directory, 'a')))
})

test('a removal takes away what is there, asks again, and then has nothing to do', async (t) => {
  const path = join(scratch(), 'note')
  writeFileSync(path, 'here')

  const first = await convergeHere([note({ path, content: 'wanted' })], 'remove')
  const second = await convergeHere([note({ path, content: 'wanted' })], 'remove')

  t.is(first.error, undefined)
  t.deepEqual([first.changed.length, second.changed.length], [1, 0])
  t.false(existsSync(path))
})

test('a run that was stopped says so and leaves the rest untouched', async (t) => {
  const path = join(scratch(), 'note')
  writeFileSync(path, 'before')

  const { error, notTried } = await convergeHere(
    [note({ path, content: 'after' })],
    'apply',
    AbortSignal.abort(),
  )

  t.is(error?.code, 'INTERRUPTED')
  t.deepEqual(notTried, [`note ${path}`])
  t.is(readFileSync(path, 'utf8'), 'before')
})
