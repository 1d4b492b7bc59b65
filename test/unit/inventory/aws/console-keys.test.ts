import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { consoleHostKeys } from '../../../../inventory/aws/console-keys.ts'

const begin = '-----BEGIN SSH HOST KEY KEYS-----'
const end = '-----END SSH HOST KEY KEYS-----'

/** A real public key, `type base64`. */
function publicKey(t: ExecutionContext, kind: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-key-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  execFileSync('ssh-keygen', ['-q', '-t', kind, '-N', '', '-f', join(folder, 'key')])
  return readFileSync(join(folder, 'key.pub'), 'utf8').split(' ').slice(0, 2).join(' ')
}

test('the keys on the console are found in their lines, with and without what is written before them', (t) => {
  const keys = ['ed25519', 'ecdsa', 'rsa'].map((kind) => publicKey(t, kind))
  const lines = [
    '[   14.2] cloud-init[712]: Cloud-init v. 24.1 finished',
    begin,
    `${keys[2]} root@ip-10-0-1-10`,
    `[   14.3] cloud-init[712]: ${keys[1]} root@ip-10-0-1-10`,
    keys[0],
    end,
  ]

  t.deepEqual(consoleHostKeys(lines.join('\r\n')), keys)
})

test('of several starts the newest counts', (t) => {
  const [old = '', fresh = ''] = [publicKey(t, 'ed25519'), publicKey(t, 'ed25519')]

  t.deepEqual(consoleHostKeys([begin, old, end, 'reboot', begin, fresh, end].join('\n')), [fresh])
})

test('keys that are not whole, or not of the kind they claim, are left out', (t) => {
  const key = publicKey(t, 'ed25519')
  const wrong = [key.slice(0, -12), key.replace('ssh-ed25519', 'ssh-rsa'), 'ssh-ed25519 AAAA', 'ssh-dss AAAA']

  t.deepEqual(consoleHostKeys([begin, ...wrong, end].join('\n')), [])
})

test('a console without keys, or one that was cut off in them, has none', (t) => {
  t.deepEqual(consoleHostKeys('Linux version 6.1.0\n'), [])
  t.deepEqual(consoleHostKeys(`${begin}\n${publicKey(t, 'ed25519')}\n`), [])
})
