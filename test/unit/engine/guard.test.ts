import { execFileSync } from 'node:child_process'
import test from 'ava'
import { settleGuards } from '../../../engine/guard.ts'
import { armScript, leftGuardsScript, parseLeftGuards } from '../../../engine/guard-scripts.ts'
import { sh } from '../../../engine/shell.ts'
import { localConnection } from '../../support/local-connection.ts'

const hostile = "/etc/it's $(touch /pwned) here"

test('the scripts of the guard are POSIX shell, whatever paths and names they hold', (t) => {
  const armed = { id: '0a1b', name: `file ${hostile}`, seconds: 30 }
  const script = armScript(armed, { paths: [hostile], restore: sh`systemctl reload ${hostile}` })

  t.notThrows(() => execFileSync('sh', ['-n'], { input: script.text }))
  t.notThrows(() => execFileSync('sh', ['-n'], { input: leftGuardsScript.text }))
  t.is(script.shown, `guard file ${hostile} for 30 s`)
})

test('what earlier guards left is read with its name, cause and time', (t) => {
  t.deepEqual(parseLeftGuards('healed 0a1b 1790000000 boot ufw rules\npending 2c3d sshd /etc/ssh/x\n'), [
    { state: 'healed', id: '0a1b', at: '2026-09-21T14:13:20.000Z', cause: 'boot', name: 'ufw rules' },
    { state: 'pending', id: '2c3d', name: 'sshd /etc/ssh/x' },
  ])
  t.deepEqual(parseLeftGuards(''), [])
})

for (const [cause, said] of [
  ['timer', 'was not confirmed in its time'],
  ['boot', 'was not confirmed before the host was restarted'],
  ['failed', 'failed, as that run has said'],
  ['stopped', 'was stopped half-way'],
  ['unproven', 'let no new connection through'],
  ['controller', 'did not stay'],
] as const) {
  test(`a change that a host took back (${cause}) is told with what became of it`, async (t) => {
    const connection = localConnection()
    const left = parseLeftGuards(`healed 0a1b 1790000000 ${cause} ufw rules\n`)

    const told = await settleGuards(connection, left, { change: false })

    t.deepEqual(told, [
      `an earlier run's change of ufw rules ${said}: the host took it back at 2026-09-21T14:13:20.000Z`,
    ])
    t.is(connection.executions, 0)
  })
}
