import test from 'ava'
import { checkRoom } from '../../../bench/converge/room.ts'

test('hosts that the machine has watchers for are let through', (t) => {
  t.notThrows(() => checkRoom(4, { limit: 128, used: 70 }))
})

test('more hosts than that are refused, with what to do', (t) => {
  const error = t.throws(() => checkRoom(16, { limit: 128, used: 70 }))

  t.like(error, {
    code: 'LAB_UNAVAILABLE',
    subject: '16 hosts need 128 inotify instances, and 58 of 128 are free',
  })
})

test('the watchers of this machine can be counted', (t) => {
  t.notThrows(() => checkRoom(0))
})
