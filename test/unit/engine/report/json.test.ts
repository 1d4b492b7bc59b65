import test from 'ava'
import * as v from 'valibot'
import { jsonReport } from '../../../../engine/report/json.ts'
import { RunDocument } from '../../../../engine/report/json-schema.ts'
import { Secret } from '../../../../engine/secret.ts'
import { everyEvent } from '../../../support/events.ts'

function documents(diff: boolean): unknown[] {
  const lines: string[] = []
  const emit = jsonReport({ write: (line) => lines.push(line), diff })
  for (const event of everyEvent()) emit(event)
  return lines.map((line) => JSON.parse(line))
}

test('every event is one line of JSON in the documented form', (t) => {
  for (const diff of [false, true]) {
    for (const document of documents(diff)) {
      t.deepEqual(v.safeParse(RunDocument, document).issues, undefined)
    }
  }
})

test('the last document has the errors of all hosts with code, subject, place, cause and advice', (t) => {
  const last = v.parse(RunDocument, documents(false).at(-1))

  t.is(last.type, 'run-ended')
  if (last.type !== 'run-ended') return
  t.deepEqual(last.result.hosts[1]?.error, {
    code: 'HOST_UNREACHABLE',
    subject: '10.0.0.2:22 did not answer by SSH within 10 s',
    at: 'vm2',
    why: 'ETIMEDOUT',
    advice: 'check that the host is up',
  })
})

test('whole texts are there only with --diff', (t) => {
  t.false(JSON.stringify(documents(false)).includes('"text"'))
  t.true(JSON.stringify(documents(true)).includes('"text":{"have":"a=1\\n","want":"a=2\\n"}'))
})

test('a secret in an event is three stars', (t) => {
  const lines: string[] = []
  const emit = jsonReport({ write: (line) => lines.push(line), diff: true })

  emit({
    type: 'resource-progress',
    place: { host: 'vm1', play: 'a', role: 'b', resource: 'c' },
    message: `password ${new Secret('hunter2')}`,
  })

  t.regex(lines.join(''), /password \*\*\*/)
  t.false(lines.join('').includes('hunter2'))
})
