import { once } from 'node:events'
import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { onController } from './controller.ts'

/**
 * The lock is the kernel's (flock), so it cannot outlive its holder: `read` ends when this process does. A lock file
 * may be removed by whoever holds it, so a waiter looks whether it got the one that is there (75: it did not).
 */
const script = `
exec 9>> "$1"
flock 9
[ "$1" -ef /proc/self/fd/9 ] || exit 75
echo held
read -r _ || :
`

const notTheOneThatIsThere = 75

/** Does `work` while no other process does any under the same lock file. */
export async function withLock<Result>(
  file: string,
  work: () => Promise<Result>,
  { signal, onWait }: { signal?: AbortSignal | undefined; onWait?: () => void } = {},
): Promise<Result> {
  await mkdir(dirname(file), { recursive: true })
  signal?.throwIfAborted()
  const givenUp = new AbortController()
  const giveUp = () => givenUp.abort()
  const holder = onController(givenUp.signal, {
    nothrow: true,
    stdio: ['pipe', 'pipe', 'pipe'],
  })`exec sh -c ${script} lock ${file}`
  signal?.addEventListener('abort', giveUp)
  const waiting = setTimeout(() => onWait?.(), 300)
  const held = await Promise.race([once(holder.stdout, 'data').then(() => true), holder.then(() => false)])
  signal?.removeEventListener('abort', giveUp)
  clearTimeout(waiting)
  if (!held) {
    const { exitCode, stderr } = await holder
    signal?.throwIfAborted()
    if (exitCode === notTheOneThatIsThere) return withLock(file, work, { signal, ...(onWait && { onWait }) })
    throw new Error(`cannot lock ${file}: ${stderr}`)
  }
  try {
    return await work()
  } finally {
    holder.stdin.end()
    await holder
  }
}
