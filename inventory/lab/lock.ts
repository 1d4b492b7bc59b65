import { once } from 'node:events'
import { dirname } from 'node:path'
import { SluiceError } from '../../engine/errors.ts'
import { onController } from './controller.ts'

/**
 * The lock is the kernel's (flock), so it cannot outlive its holder: `read` ends when this process does. A lock file
 * may be removed by whoever holds it, so a waiter looks whether it got the one that is there (75: it did not).
 */
const script = `
mkdir -p -- "\${1%/*}" && command exec 9>> "$1" || exit 74
flock 9
[ "$1" -ef /proc/self/fd/9 ] || exit 75
echo held
read -r _ || :
`

const notTheOneThatIsThere = 75
/** The folder may go with the last lab of this machine just then. */
const notOpened = { exitCode: 74, mostTimes: 50 }

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
  const waiting = setTimeout(() => onWait?.(), 1000)
  try {
    let failures = 0
    for (;;) {
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
      if (exitCode === notTheOneThatIsThere) continue
      failures += 1
      if (exitCode !== notOpened.exitCode || failures === notOpened.mostTimes) throw cannotLock(file, stderr)
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
