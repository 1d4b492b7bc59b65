import { setTimeout as sleep } from 'node:timers/promises'
import test from 'ava'
import { SluiceError } from '../../../../engine/errors.ts'
import { SessionRefused } from '../../../../engine/transport/carrier.ts'
import { SessionQueue } from '../../../../engine/transport/session-queue.ts'

/** As a host does it: so many sessions at once, and every further one is refused. */
function hostWithSessions(most: number) {
  const seen = { open: 0, peak: 0, refused: 0 }
  const session = async () => {
    if (seen.open >= most) {
      seen.refused++
      throw new SessionRefused('open failed')
    }
    seen.open++
    seen.peak = Math.max(seen.peak, seen.open)
    await sleep(5)
    seen.open--
    return 'done'
  }
  return { seen, session }
}

for (const most of [1, 2, 5, 10]) {
  test(`all commands get their turn on a host that allows ${most} sessions`, async (t) => {
    const queue = new SessionQueue()
    const { seen, session } = hostWithSessions(most)

    const results = await Promise.all(Array.from({ length: 40 }, () => queue.run(session)))

    t.is(results.filter((result) => result === 'done').length, 40)
    t.true(seen.peak <= most)
  })
}

test('what a host allows is learnt, so that it is asked for too much only in the beginning', async (t) => {
  const queue = new SessionQueue()
  const { seen, session } = hostWithSessions(3)
  await Promise.all(Array.from({ length: 20 }, () => queue.run(session)))
  const before = seen.refused

  await Promise.all(Array.from({ length: 20 }, () => queue.run(session)))

  t.is(seen.refused, before)
})

test('what is urgent does not wait for the others', async (t) => {
  const queue = new SessionQueue()
  const { promise, resolve } = Promise.withResolvers<string>()
  const hung = Array.from({ length: 20 }, () => queue.run(() => promise))

  t.is(await queue.run(async () => 'ended them', true), 'ended them')
  resolve('ended')
  t.is((await Promise.all(hung)).length, 20)
})

test('a host that never opens a session is an error, not a wait without end', async (t) => {
  const error = await t.throwsAsync(new SessionQueue().run(hostWithSessions(0).session), {
    instanceOf: SluiceError,
  })

  t.is(error.code, 'CONNECTION_LOST')
  t.regex(error.advice ?? '', /MaxSessions/)
})

test('another failure is passed on at once', async (t) => {
  await t.throwsAsync(
    new SessionQueue().run(() => Promise.reject(new TypeError('other'))),
    { instanceOf: TypeError },
  )
})
