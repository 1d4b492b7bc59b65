import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import test from 'ava'
import { asRoot } from '../../../engine/become.ts'
import { Secret } from '../../../engine/secret.ts'
import type { Connection } from '../../../engine/transport/connection.ts'

test('sudo that refuses at once leaves nothing behind that holds the session open', async (t) => {
  t.timeout(150_000)
  const directory = await mkdtemp(join(tmpdir(), 'sluice-become-'))
  t.teardown(() => rm(directory, { recursive: true, force: true }))
  await writeFile(join(directory, 'sudo'), '#!/bin/sh\nexit 1\n', { mode: 0o755 })
  const host = { name: 'vm1', address: '192.0.2.1', user: 'admin' }
  const { command, preface } = asRoot(
    { host, becomePassword: new Secret('canary') } as unknown as Connection,
    'exec sh -s',
  )
  const attempt = async () => {
    const child = spawn('sh', ['-c', command], {
      env: { PATH: `${directory}:${process.env.PATH}`, TMPDIR: directory },
      detached: true,
    })
    child.stdin.write(preface)
    // Closes when nothing holds its outputs any more, as a session does.
    const closed = once(child, 'close')
    await once(child, 'exit')
    const [exitCode] = await Promise.race([closed, sleep(30_000, ['held open'], { ref: false })])
    child.stdin.destroy()
    if (exitCode !== 1) process.kill(-Number(child.pid), 'SIGKILL')
    return exitCode
  }

  const exitCodes: unknown[] = []
  for (let round = 0; round < 4; round++) {
    exitCodes.push(...(await Promise.all(Array.from({ length: 120 }, attempt))))
  }

  t.deepEqual(new Set(exitCodes), new Set([1]))
  t.deepEqual(await readdir(directory), ['sudo'])
})

for (const user of ['admin', 'SHOP\\a.user', 'a user', '$(exit 1)`exit 1`"', "o'user"]) {
  test(`the root shell is told who logged in as it is written: ${user}`, async (t) => {
    const directory = await mkdtemp(join(tmpdir(), 'sluice-become-'))
    t.teardown(() => rm(directory, { recursive: true, force: true }))
    // What comes after `sudo -n --`, in a clean environment, as sudo runs it.
    await writeFile(join(directory, 'sudo'), '#!/bin/sh\nshift 2\nexec env -i "$@"\n', { mode: 0o755 })
    const host = { name: 'vm1', address: '192.0.2.1', user }
    const { command } = asRoot({ host } as unknown as Connection, 'printenv SLUICE_USER')

    const told = execFileSync('sh', ['-c', command], {
      env: { PATH: `${directory}:${process.env.PATH}` },
      encoding: 'utf8',
    })

    t.is(told, `${user}\n`)
  })
}
