import { SluiceError } from '../../engine/errors.ts'
import type { Host, InventoryProgress } from '../../engine/inventory.ts'
import { limiter } from '../../engine/limiter.ts'
import { keyFingerprint, knownHostsName } from '../../engine/transport/host-keys.ts'
import { consoleHostKeys } from './console-keys.ts'
import { type KnownLine, knownHostsFile, knownLine, readKnownLines, writeKnownLines } from './known-hosts.ts'

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
 * an instance writes to its console. It writes them only when it starts for the first time, and may have another
 * address whenever it starts again: the keys on record go with it, and its former address is nobody's any more.
 *
 * @throws SluiceError HOST_KEY_CHANGED when an address has keys on record and another instance with others has it now
 */
export async function pinHostKeys(seen: readonly Seen[], options: PinOptions): Promise<void> {
  const file = knownHostsFile(options.projectDirectory)
  const before = await readKnownLines(file)
  const unpinned = seen.filter(({ host, id }) => !isPinned(host, id, before))
  const found = await keysOf(unpinned, before, options)
  // Consoles take seconds to answer: what others recorded meanwhile stays.
  const lines = await readKnownLines(file)
  const staying = lines.filter((line) => !seen.some((each) => isLeftBehind(line, each)))
  const added = found.flatMap(({ each: { host, id }, keys }) => {
    if (isPinned(host, id, lines)) return []
    const known = recordsOf(host, staying).flatMap(({ key = [] }) => key)
    if (keys.length > 0 && known.length > 0 && !known.some((key) => keys.includes(key))) {
      throw keysChanged(host, id, { known, keys, file })
    }
    return keys.map((key) => knownLine(`${knownHostsName(host)} ${key} ${id}`))
  })
  if (added.length > 0 || staying.length < lines.length) await writeKnownLines(file, [...staying, ...added])
  const silent = found.filter(
    ({ each, keys }) => keys.length === 0 && recordsOf(each.host, staying).length === 0,
  )
  if (silent.length > 0) {
    const names = silent.map(({ each: { host, id } }) => `${host.name} (${id})`)
    options.progress(`no host keys on the console, yet or any more: ${names.join(', ')}`)
  }
}

/** Takes the keys of instances that are gone off the record: their addresses will be those of others. */
export async function forgetHostKeys(projectDirectory: string, ids: readonly string[]): Promise<void> {
  const file = knownHostsFile(projectDirectory)
  const lines = await readKnownLines(file)
  const kept = lines.filter(({ note }) => !ids.includes(note))
  if (kept.length < lines.length) await writeKnownLines(file, kept)
}

/** The keys of instances that have none on record for their address: those of a former address, else of the console. */
function keysOf(
  unpinned: readonly Seen[],
  lines: readonly KnownLine[],
  { consoleOf, progress }: PinOptions,
): Promise<{ each: Seen; keys: string[] }[]> {
  const limited = limiter(atOnce)
  return Promise.all(
    unpinned.map(async (each) => {
      const own = lines.filter(({ note }) => note === each.id)
      if (own.length === 0)
        return { each, keys: await limited(async () => consoleHostKeys(await consoleOf(each))) }
      progress(
        `${each.host.name} (${each.id}) is at ${each.host.address} now; its host keys on record go with it`,
      )
      return { each, keys: [...new Set(own.flatMap(({ key = [] }) => key))] }
    }),
  )
}

/** Whether this is of an address that the instance has no more. Another port of the same one may still be used. */
function isLeftBehind({ names, note }: KnownLine, { host, id }: Seen): boolean {
  return note === id && !names.some((name) => name.replace(/^\[(.*)\]:\d+$/, '$1') === host.address)
}

const isPinned = (host: Host, id: string, lines: readonly KnownLine[]): boolean =>
  recordsOf(host, lines).some(({ note }) => note === id)

function recordsOf(host: Host, lines: readonly KnownLine[]): KnownLine[] {
  const name = knownHostsName(host)
  return lines.filter(({ names }) => names.includes(name))
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
    why: `on record for this address: ${shown(known)}\nof ${id}, which has it now: ${shown(keys)}`,
    advice: `if the instance is a new one at an old address: ssh-keygen -R '${knownHostsName(host)}' -f ${file}`,
  })
}
