import { once } from 'node:events'
import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { SluiceError } from '../../engine/errors.ts'
import { onController } from './controller.ts'
import { hasCode } from './system-error.ts'

/**
 * The lock is the kernel's (flock), so it cannot outlive its holder: `read` ends when this process does. A lock file
 * may be removed by whoever holds it, so a waiter looks whether it got the one that is there (75: it did not).
 */
const script = `
command exec 9>> "$1" || exit 74
flock 9
[ "$1" -ef /proc/self/fd/9 ] || exit 75
echo held
read -r _ || :
`

const notTheOneThatIsThere = 75
/** The folder may go with the last lab of this machine just then. */
const notOpened = { exitCode: 74, mostTries: 20 }

interface WaitOptions {
  signal?: AbortSignal | undefined
  onWait?: (() => void) | undefined
}

/**
 * Does `work` while no other process does any under the same lock file.
 *
 * @throws SluiceError LAB_FAILED when the file cannot be made
 */
export async function withLock<Result>(
  file: string,
  work: () => Promise<Result>,
  options: WaitOptions = {},
): Promise<Result> {
  const release = await take(file, options)
  try {
    return await work()
  } finally {
    await release()
  }
}

async function take(file: string, { signal, onWait }: WaitOptions): Promise<() => Promise<void>> {
  const waiting = setTimeout(() => onWait?.(), 300)
  try {
    for (let tries = 1; ; tries += 1) {
      await mkdir(dirname(file), { recursive: true }).catch((error) => {
        if (!hasCode(error, 'ENOENT')) throw error
      })
      signal?.throwIfAborted()
      const givenUp = new AbortController()
      const giveUp = () => givenUp.abort()
      const holder = onController(givenUp.signal, {
        nothrow: true,
        stdio: ['pipe', 'pipe', 'pipe'],
      })`exec sh -c ${script} lock ${file}`
      signal?.addEventListener('abort', giveUp)
      const held = await Promise.race([
        once(holder.stdout, 'data').then(() => true),
        holder.then(() => false),
      ])
      signal?.removeEventListener('abort', giveUp)
      if (held) {
        return async () => {
          holder.stdin.end()
          await holder
        }
      }
      const { exitCode, stderr } = await holder
      signal?.throwIfAborted()
      const again = exitCode === notOpened.exitCode && tries < notOpened.mostTries
      if (!again && exitCode !== notTheOneThatIsThere) throw cannotLock(file, stderr)
    }
  } finally {
    clearTimeout(waiting)
  }
}

function cannotLock(file: string, why: string): SluiceError {
  return new SluiceError('LAB_FAILED', {
    subject: 'the lock of the lab cannot be taken',
    at: file,
    why,
    advice: `see whether this user may write in ${dirname(file)}, and whether flock is installed (util-linux)`,
  })
}
