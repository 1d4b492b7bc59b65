import test from 'ava'
import { readWord } from '../../chaos/our-producers.ts'

let number = 0
const handedOver = (fate: string) => {
  number += 2
  return {
    level: 'debug',
    fate,
    events: 2,
    first: `s${number}`,
    last: `u${number}`,
    msg: 'events handed over',
  }
}
const sending = { level: 'info', follow: true, msg: 'sending' }
const full = { level: 'error', msg: 'THE SPOOL TAKES NO MORE: new events are lost until there is room' }
const report = (iterations: number, lost = 0) => ({ iterations, given_up: lost === 0 ? {} : { a: lost } })
const wordOf = (lines: object[]) => readWord(lines.map((line) => `${JSON.stringify(line)}\n`).join(''))

test('what a producer took on and gave up is told apart, over all its runs', (t) => {
  const word = wordOf([
    ...[sending, handedOver('acknowledged'), handedOver('spooled'), full, handedOver('given up')],
    ...[sending, handedOver('acknowledged'), report(1)],
  ])

  t.deepEqual([word.acknowledged.length, word.spooled.length, word.givenUp.length], [4, 2, 2])
  t.deepEqual([word.runs, word.reports, word.faults], [2, 1, []])
})

test('a loss that was not said loudly in its outage is a fault', (t) => {
  const once = [sending, full, handedOver('given up')]

  t.is(wordOf([sending, handedOver('given up')]).faults.length, 1)
  t.is(wordOf([...once, handedOver('acknowledged'), handedOver('given up')]).faults.length, 1)
  t.is(wordOf([...once, sending, handedOver('given up')]).faults.length, 1)
  t.is(wordOf(once).faults.length, 0)
})

test('a report that counts other events than were handed over is a fault', (t) => {
  const run = [sending, handedOver('acknowledged'), full, handedOver('given up')]

  t.is(wordOf([...run, report(2, 2)]).faults.length, 0)
  t.is(wordOf([...run, report(3, 2)]).faults.length, 1)
  t.is(wordOf([...run, report(2)]).faults.length, 1)
})

test('whatever else stands in the log, such as the trace of a crash, is a fault', (t) => {
  t.deepEqual(readWord('TypeError: x is not a function\n').faults, [
    'an unexpected line: TypeError: x is not a function',
  ])
})
