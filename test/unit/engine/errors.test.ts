import { readFileSync } from 'node:fs'
import test from 'ava'
import { describeError, reasonOf, SluiceError } from '../../../engine/errors.ts'

function failureOf(work: () => unknown): unknown {
  try {
    return work()
  } catch (error) {
    return error
  }
}

test('why a file cannot be read is said in words, without the name that stands beside it', (t) => {
  t.is(
    reasonOf(failureOf(() => readFileSync(`${import.meta.filename}.missing`))),
    'no such file or directory',
  )
})

test('a reason is what the error says, of several each, of one of ours its cause too', (t) => {
  const refused = Object.assign(new Error(''), { code: 'ECONNREFUSED' })

  t.is(reasonOf(new Error('it is closed')), 'it is closed')
  t.is(reasonOf('text'), 'text')
  t.is(reasonOf(new AggregateError([refused, new Error('no route')])), 'ECONNREFUSED; no route')
  t.is(reasonOf(new SluiceError('USAGE', { subject: 'no plan', why: 'it is gone' })), 'no plan: it is gone')
})

test('a program that is not there keeps its name in the reason', (t) => {
  const missing = Object.assign(new Error('spawn ssh ENOENT'), {
    ...{ errno: -2, code: 'ENOENT', syscall: 'spawn ssh', path: 'ssh' },
  })

  t.is(reasonOf(missing), 'spawn ssh ENOENT')
})

test.serial(
  'in a clone advice names commands as they can be typed there, and leaves other words alone',
  (t) => {
    const former = { ...process.env }
    t.teardown(() => {
      process.env = former
    })
    const adviceOf = (advice: string) => describeError(new SluiceError('USAGE', { subject: 'no', advice }))

    Object.assign(process.env, { npm_package_name: 'sluice', npm_lifecycle_event: 'provision' })

    t.regex(adviceOf('sluice lab up starts it'), /do {3}npm run sluice -- lab up starts it$/)
    t.regex(adviceOf('let sluice use sudo'), /do {3}let sluice use sudo$/)
  },
)
