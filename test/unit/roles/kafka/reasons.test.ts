import test from 'ava'
import kafkajs from 'kafkajs'
import { throwReasons } from '../../../../roles/kafka/reasons.ts'

test('of topics that could not be created it is said why', (t) => {
  const reasons = [new Error('The request timed out'), 'Not authorized']
  const error = new kafkajs.KafkaJSAggregateError('Topic creation errors', reasons)

  t.throws(() => throwReasons(error), { message: 'The request timed out; Not authorized' })
})

test('an error without reasons beside it is thrown as it is', (t) => {
  const error = new Error('The broker is gone')

  t.is(
    t.throws(() => throwReasons(error)),
    error,
  )
})
