import test from 'ava'
import { SluiceError } from '../../../../engine/errors.ts'
import { CheckFailure, Checklist } from '../../../../playbooks/verify/checklist.ts'
import type { CheckResult } from '../../../../playbooks/verify/result.ts'

const listening = (signal = new AbortController().signal) => {
  const heard: CheckResult[] = []
  return { heard, checklist: new Checklist({ onResult: (result) => heard.push(result), signal }) }
}

const fine = () => ({ detail: 'fine', value: 1 })

const broken = () => {
  throw new CheckFailure('broken', { advice: 'mend it' })
}

test('a check that fails keeps no other from being made', async (t) => {
  const { heard, checklist } = listening()

  await checklist.check({ name: 'first', run: broken })
  await checklist.check({ name: 'second', run: fine })

  t.deepEqual(
    heard.map(({ name, status }) => `${name} ${status}`),
    ['first failed', 'second passed'],
  )
  t.like(heard[0], { detail: 'broken', advice: 'mend it' })
})

test('what depends on a failed check is skipped with the reason, and so is what depends on that', async (t) => {
  const { heard, checklist } = listening()

  const first = await checklist.check({ name: 'first', host: 'vm1', run: broken })
  const second = await checklist.check({ name: 'second', needs: [first], run: fine })
  await checklist.check({ name: 'third', needs: [second], run: fine })

  t.deepEqual(
    heard.slice(1).map(({ status, detail }) => `${status}: ${detail}`),
    ['skipped: first on vm1 failed', 'skipped: first on vm1 failed'],
  )
})

test('an error of a host or a driver is the finding of the check', async (t) => {
  const { heard, checklist } = listening()
  const unreachable = new SluiceError('HOST_UNREACHABLE', {
    subject: 'no answer',
    why: 'timeout',
    advice: 'look',
  })

  await checklist.check({ name: 'first', run: () => Promise.reject(unreachable) })
  await checklist.check({ name: 'second', run: () => Promise.reject(new Error('ECONNRESET')) })

  t.like(heard[0], { status: 'failed', detail: 'no answer: timeout', advice: 'look' })
  t.like(heard[1], { status: 'failed', detail: 'ECONNRESET' })
})

test('a mistake of our own is no finding', async (t) => {
  const { checklist } = listening()

  await t.throwsAsync(checklist.check({ name: 'first', run: () => Promise.reject(new TypeError('x')) }), {
    instanceOf: TypeError,
  })
})

test('after a stop from outside nothing more is looked at', async (t) => {
  const { heard, checklist } = listening(AbortSignal.abort())

  await checklist.check({ name: 'first', run: fine })

  t.like(heard[0], { status: 'skipped', detail: 'stopped from outside' })
})

test('a check that a stop interrupts has found nothing', async (t) => {
  const stop = new AbortController()
  const { heard, checklist } = listening(stop.signal)

  await checklist.check({
    name: 'first',
    run: () => {
      stop.abort()
      return broken()
    },
  })

  t.like(heard[0], { status: 'skipped', detail: 'stopped from outside' })
})
