import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { SluiceError } from '../../engine/errors.ts'
import { hasCode } from '../../inventory/lab/system-error.ts'

/** What the systemd of a lab host watches files with: six or seven were counted. */
const watchersOfHost = 8

/**
 * Refuses more hosts than the machine has file watchers for. All hosts of all labs share them: too few, and units fail
 * on whichever host comes next, another lab's too.
 *
 * @throws SluiceError LAB_UNAVAILABLE
 */
export function checkRoom(hosts: number, { limit, used } = watchers()): void {
  const needed = used + hosts * watchersOfHost
  if (needed <= limit) return
  throw new SluiceError('LAB_UNAVAILABLE', {
    subject: `${hosts} hosts need ${hosts * watchersOfHost} inotify instances, and ${limit - used} of ${limit} are free`,
    advice: `take other labs down, ask for fewer --hosts, or raise the limit: sysctl -w fs.inotify.max_user_instances=${needed * 2}`,
  })
}

function watchers(): { limit: number; used: number } {
  const limit = Number(readFileSync('/proc/sys/fs/inotify/max_user_instances', 'utf8'))
  const processes = readdirSync('/proc').filter((name) => /^\d+$/.test(name))
  return { limit, used: processes.flatMap(watchersOf).length }
}

/** A process may end while it is looked at, and some may be looked at by nobody. */
function watchersOf(pid: string): string[] {
  const directory = join('/proc', pid, 'fd')
  try {
    return readdirSync(directory).filter((fd) => readlinkSync(join(directory, fd)) === 'anon_inode:inotify')
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ESRCH', 'EACCES')) return []
    throw error
  }
}
