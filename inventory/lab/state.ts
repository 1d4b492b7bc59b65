import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import * as v from 'valibot'
import { Cidr, parseWith } from '../../engine/schemas.ts'
import { hostPaths, labPaths } from './names.ts'
import type { LabSettings } from './settings.ts'

/** What was decided when the lab was made, and holds until it is taken down. */
const LabState = v.strictObject({ network: Cidr, network6: Cidr })
export type LabState = v.InferOutput<typeof LabState>

/** What was decided when a host was made. */
const HostRecord = v.strictObject({
  /** 1 for vm1. */
  number: v.number(),
  /** The base image below its overlay, which must stay as it is. */
  base: v.string(),
  /** Its public host keys. */
  hostKeys: v.array(v.string()),
})
export type HostRecord = v.InferOutput<typeof HostRecord>

export async function readState(settings: LabSettings): Promise<LabState | undefined> {
  return readRecord(LabState, labPaths(settings).state)
}

export async function writeState(settings: LabSettings, state: LabState): Promise<void> {
  await writeRecord(labPaths(settings).state, state)
}

/** The names of the hosts that have files here, in no order. */
export async function hostNames(settings: LabSettings): Promise<string[]> {
  const { hosts } = labPaths(settings)
  return existsSync(hosts) ? (await readdir(hosts)).filter((name) => /^vm\d+$/.test(name)) : []
}

/** The hosts that there are, whether they run or not, by name and in the order of their numbers. */
export async function readHosts(settings: LabSettings): Promise<Map<string, HostRecord>> {
  const names = await hostNames(settings)
  const records = await Promise.all(
    names.map(
      async (name) => [name, await readRecord(HostRecord, hostPaths(settings, name).record)] as const,
    ),
  )
  const found = records.flatMap(([name, record]) => (record === undefined ? [] : [[name, record] as const]))
  return new Map(found.sort(([, one], [, other]) => one.number - other.number))
}

/** Writes a record so that a reader sees either the former or the new one, never a part. */
export async function writeRecord(file: string, record: object): Promise<void> {
  await mkdir(dirname(file), { recursive: true })
  await writeFile(`${file}.new`, `${JSON.stringify(record, null, 2)}\n`, { mode: 0o644 })
  await rename(`${file}.new`, file)
}

/** A record, or `undefined` where there is no such file. */
export async function readRecord<const Schema extends v.GenericSchema>(
  schema: Schema,
  file: string,
): Promise<v.InferOutput<Schema> | undefined> {
  if (!existsSync(file)) return undefined
  return parseWith(schema, parseJson(await readFile(file, 'utf8')), {
    code: 'LAB_FAILED',
    place: file,
    advice: 'take the lab down and up again: npm run lab -- down',
  })
}

/** Text that is no JSON becomes a value that no record's schema takes. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    if (error instanceof SyntaxError) return `no JSON (${error.message})`
    throw error
  }
}
