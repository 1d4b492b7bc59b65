import test from 'ava'
import { HostLock, lockOwner, parseLockState } from '../../../engine/host-lock.ts'
import { localConnection } from '../../support/local-connection.ts'

const held = ['held', 'ab12', '1790000000', '1790000075', 'ann@desk', 'provision, process 7', ''].join('\n')
const ok = { exitCode: 0, stdout: '', stderr: '' }

test('a host on which no run has been since its start says nothing of a lock', (t) => {
  t.deepEqual(parseLockState(''), {})
})

test('a host says which run was there last, and who is there now', (t) => {
  const state = parseLockState(`last cd34\n${held}`)

  t.is(state.last, 'cd34')
  t.is(state.holder?.who, 'ann@desk')
  t.is(state.holder?.since.toISOString(), '2026-09-21T14:13:20.000Z')
})

test('a lock that another run holds is an error that says who, what and since when', (t) => {
  const lock = new HostLock(lockOwner('provision', 'apply'), {})

  const error = t.throws(() => lock.judge(localConnection('vm1'), { ...ok, exitCode: 75, stdout: held }))

  t.regex(error?.message ?? '', /HOST_LOCKED {2}another run is changing vm1: ann@desk/)
  t.regex(JSON.stringify(error), /provision, process 7.*2026-09-21T14:13:20Z, 75 s ago/)
})

test('a lock is taken once for a connection, and taken along to another one', (t) => {
  const lock = new HostLock(lockOwner('provision', 'apply'), {})
  const [one, other] = [localConnection(), localConnection()]

  t.false(lock.judge(one, ok).moved)

  t.true(lock.isTakenBy(one))
  t.regex(lock.script(one).shown, /keep/)
  t.regex(lock.script(other).shown, /take/)
})

test('a host that another run has changed meanwhile is to be read again, with the lock held', (t) => {
  const lock = new HostLock(lockOwner('provision', 'apply'), { last: 'cd34' })
  const connection = localConnection()

  t.true(lock.judge(connection, { ...ok, exitCode: 76 }).moved)

  t.true(lock.isTakenBy(connection))
})

test('the words that were typed are not told to others, since they may hold a secret', (t) => {
  const { who, what } = lockOwner('provision', 'remove')

  t.regex(who, /^\S+@\S+$/)
  t.is(what, `removal of provision, process ${process.pid}`)
})
