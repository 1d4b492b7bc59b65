import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import test from 'ava'
import { removeIfEmpty } from '../../../../inventory/lab/directories.ts'
import { withLock } from '../../../../inventory/lab/lock.ts'

test('work under one lock is never done twice at once, though the folder of the lock goes again and again', async (t) => {
  const parent = mkdtempSync(join(tmpdir(), 'sluice-lock-'))
  const folder = join(parent, 'locks')
  const file = join(folder, 'lab.lock')
  let atWork = 0
  let most = 0
  const work = async () => {
    atWork += 1
    most = Math.max(most, atWork)
    await sleep(1)
    atWork -= 1
    // As a lab that leaves does it: the file while it is held, then the folder unless another has made its file there.
    rmSync(file, { force: true })
    await removeIfEmpty(folder)
  }

  await Promise.all(
    Array.from({ length: 4 }, async () => {
      for (let times = 0; times < 25; times++) await withLock(file, work)
    }),
  )
  rmSync(parent, { recursive: true })

  t.is(most, 1)
})
