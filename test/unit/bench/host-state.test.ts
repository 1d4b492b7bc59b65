import test from 'ava'
import { differences } from '../../../bench/converge/host-state.ts'

test('two states differ by the lines that only one has', (t) => {
  const before = new Map([
    ['vm1', 'path /etc/a f 644\npath /etc/b f 644'],
    ['vm2', 'path /etc/a f 644'],
  ])
  const after = new Map([
    ['vm1', 'path /etc/a f 600\npath /etc/b f 644'],
    ['vm2', 'path /etc/a f 644'],
  ])

  t.deepEqual(differences(before, after), ['vm1: - path /etc/a f 644', 'vm1: + path /etc/a f 600'])
})

test('a state does not differ from itself', (t) => {
  const state = new Map([['vm1', 'path /etc/a f 644']])

  t.deepEqual(differences(state, state), [])
})
