import { appendFile, mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { SluiceError } from '../../engine/errors.ts'
import type { Host, InventoryProgress } from '../../engine/inventory.ts'
import { limiter } from '../../engine/limiter.ts'
import { keyFingerprint, knownHostsName } from '../../engine/transport/host-keys.ts'
import { consoleHostKeys } from './console-keys.ts'

/** A host and the instance that it is. */
export interface Seen {
  host: Host
  id: string
  region: string
}

export interface PinOptions {
  projectDirectory: string
  progress: InventoryProgress
  /** What an instance wrote to its console. */
  consoleOf(seen: Seen): Promise<string>
}

/** Consoles that are asked for at once. */
const atOnce = 8

/**
 * Puts the keys of hosts that are seen for the first time into the project's known-hosts file: AWS vouches for what
 * an instance writes to its console.
 *
 * @throws SluiceError HOST_KEY_CHANGED when an address has keys on record and another instance with others has it now
 */
export async function pinHostKeys(
  seen: readonly Seen[],
  { projectDirectory, progress, consoleOf }: PinOptions,
): Promise<void> {
  const file = join(projectDirectory, '.sluice', 'known_hosts')
  const records = await readRecords(file)
  const limited = limiter(atOnce)
  const unpinned = seen.filter(({ host, id }) => !recordsOf(host, records).some((each) => each.note === id))
  const found = await Promise.all(
    unpinned.map((each) => limited(async () => ({ each, keys: consoleHostKeys(await consoleOf(each)) }))),
  )
  const lines = found.flatMap(({ each: { host, id }, keys }) => {
    const known = recordsOf(host, records).map(({ key }) => key)
    if (keys.length > 0 && known.length > 0 && !known.some((key) => keys.includes(key))) {
      throw keysChanged(host, id, { known, keys, file })
    }
    return keys.map((key) => `${knownHostsName(host)} ${key} ${id}\n`)
  })
  if (lines.length > 0) {
    await mkdir(dirname(file), { recursive: true })
    await appendFile(file, lines.join(''), { mode: 0o600 })
  }
  const silent = found.filter(
    ({ each: { host }, keys }) => keys.length === 0 && recordsOf(host, records).length === 0,
  )
  if (silent.length > 0) {
    const names = silent.map(({ each: { host, id } }) => `${host.name} (${id})`)
    progress(`no host keys on the console, yet or any more: ${names.join(', ')}`)
  }
}

/** Takes the keys of instances that are gone off the record: their addresses will be those of others. */
export async function forgetHostKeys(projectDirectory: string, ids: readonly string[]): Promise<void> {
  const file = join(projectDirectory, '.sluice', 'known_hosts')
  if ((await readRecords(file)).every(({ note }) => !ids.includes(note))) return
  const lines = (await readFile(file, 'utf8')).split('\n')
  const kept = lines.filter((line) => !ids.includes(line.trim().split(/\s+/)[3] ?? ''))
  await writeFile(file, kept.join('\n'), { mode: 0o600 })
}

/** One key on record; the note says by which instance it was shown. */
interface Record {
  name: string
  key: string
  note: string
}

async function readRecords(file: string): Promise<Record[]> {
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
  return text.split('\n').flatMap((line) => {
    const [names = '', kind = '', base64 = '', note = ''] = line.trim().split(/\s+/)
    if (base64 === '' || /^[#@]/.test(names)) return []
    return names.split(',').map((name) => ({ name, key: `${kind} ${base64}`, note }))
  })
}

function recordsOf(host: Host, records: readonly Record[]): Record[] {
  const name = knownHostsName(host)
  return records.filter((record) => record.name === name)
}

function keysChanged(
  host: Host,
  id: string,
  { known, keys, file }: { known: string[]; keys: string[]; file: string },
): SluiceError {
  const shown = (all: string[]) =>
    all
      .map((key) => {
        const [kind = '', base64 = ''] = key.split(' ')
        return `${kind} ${keyFingerprint(Buffer.from(base64, 'base64'))}`
      })
      .join(', ')
  return new SluiceError('HOST_KEY_CHANGED', {
    subject: `${host.name} at ${host.address} has other keys than those on record`,
    at: `${host.name} > ${id}`,
    why: `on record: ${shown(known)}\non the console of ${id}: ${shown(keys)}`,
    advice: `if the instance is a new one at an old address: ssh-keygen -R '${knownHostsName(host)}' -f ${file}`,
  })
}
