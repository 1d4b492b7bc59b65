import { readFile, rm, writeFile } from 'node:fs/promises'
import * as v from 'valibot'
import { readRecord, writeRecord } from './state.ts'

/** How many inotify instances all of root's processes may have together, those in hosts too. */
const limitFile = '/proc/sys/fs/inotify/max_user_instances'

/** A host's systemd takes six or seven. Linux allows 128 unless told otherwise, and fails units of whichever host comes next. */
const enough = 4096

const Former = v.strictObject({ boot: v.string(), limit: v.string() })

/**
 * Raises the limit where it is low, and notes in `record` what it was. Never lowers it: others may count on it.
 *
 * @param file where the limit is
 */
export async function raiseWatchers(record: string, boot: string, file = limitFile): Promise<void> {
  const limit = (await readFile(file, 'utf8')).trim()
  if (Number(limit) >= enough) return
  await writeRecord(record, { boot, limit })
  await writeFile(file, String(enough))
}

/** Puts the limit back, unless somebody has set it to something else since. To be called when no lab is left. */
export async function restoreWatchers(record: string, boot: string, file = limitFile): Promise<void> {
  const former = await readRecord(Former, record)
  const isOurs = Number(await readFile(file, 'utf8')) === enough
  if (former?.boot === boot && isOurs) await writeFile(file, former.limit)
  await rm(record, { force: true })
}
