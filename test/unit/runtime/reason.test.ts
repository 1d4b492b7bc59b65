import test from 'ava'
import { reasonOf } from '../../../runtime/reason.ts'

test('the reason is what the error says', (t) => {
  t.is(reasonOf(new Error(' connection lost\n')), 'connection lost')
  t.is(reasonOf('no error at all'), 'no error at all')
})

test('an error without words has its name for a reason', (t) => {
  t.is(reasonOf(new TypeError('')), 'TypeError')
  t.is(reasonOf(new AggregateError([])), 'AggregateError')
})

test('where each of several addresses refused, the reason has what each of them said', (t) => {
  const refused = new AggregateError([
    new Error('connect ECONNREFUSED ::1:9092'),
    new Error('connect ECONNREFUSED 127.0.0.1:9092'),
  ])

  t.is(reasonOf(refused), 'connect ECONNREFUSED ::1:9092; connect ECONNREFUSED 127.0.0.1:9092')
})

test('what an error of several says itself comes first', (t) => {
  const failed = new AggregateError([new Error('one'), 'two'], 'no broker answers')

  t.is(reasonOf(failed), 'no broker answers: one; two')
})
