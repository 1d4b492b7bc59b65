import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeSync,
} from 'node:fs'
import { hostname, userInfo } from 'node:os'
import { join } from 'node:path'
import * as v from 'valibot'
import { reasonOf, SluiceError } from '../errors.ts'
import { type Emit, isCheck } from '../events.ts'
import { isRunning } from '../running-process.ts'
import { jsonReport } from './json.ts'
import { RunDocument, RunSummary } from './json-schema.ts'

/** What a run record begins with: who did what, from where, to which hosts. */
export const RunHeader = v.strictObject({
  type: v.literal('run-recorded'),
  at: v.pipe(v.string(), v.isoTimestamp()),
  user: v.string(),
  controller: v.string(),
  inventory: v.string(),
  version: v.string(),
  process: v.pipe(
    v.exactOptional(v.pipe(v.number(), v.integer())),
    v.description('the number of the process on the controller'),
  ),
  processStart: v.pipe(
    v.exactOptional(v.string()),
    v.description('what tells it from a later process of that number, on Linux'),
  ),
  id: v.pipe(
    v.exactOptional(v.string()),
    v.description('only where sluice log lists runs: what it is given'),
  ),
  result: v.pipe(
    v.exactOptional(RunSummary),
    v.description('only where sluice log lists runs, and the run has ended: as in run-ended'),
  ),
})
export type RunHeader = v.InferOutput<typeof RunHeader>

type RunEnded = Extract<RunDocument, { type: 'run-ended' }>

export interface RunRecord {
  /** The file's name without its ending: what `sluice log` is given. */
  id: string
  header: RunHeader
  documents: RunDocument[]
  /** Missing when the run was killed, or is under way. */
  end: RunEnded | undefined
}

const recordsDirectory = (projectDirectory: string) => join(projectDirectory, '.sluice', 'runs')

/**
 * Keeps what a run says in `.sluice/runs/<time>-<playbook>.jsonl`, as `--json` prints it, written as it happens: a run
 * that was killed leaves what it had done. Texts are left out; secrets print as `***`.
 */
export function recordRun(
  projectDirectory: string,
  { playbook, inventory, version }: { playbook: string; inventory: string; version: string },
): { id: string; emit: Emit; close(): void } {
  const directory = recordsDirectory(projectDirectory)
  mkdirSync(directory, { recursive: true })
  for (const id of listRuns(projectDirectory).slice(recordsKept - 1))
    rmSync(join(directory, `${id}.jsonl`), { force: true })
  const { id, at, file } = openRecord(directory, playbook)
  const write = (line: string) => void writeSync(file, `${line}\n`)
  const header: RunHeader = {
    type: 'run-recorded',
    at,
    user: userInfo().username,
    controller: hostname(),
    inventory,
    version,
    process: process.pid,
    ...startOf(process.pid),
  }
  write(JSON.stringify(header))
  const emit = jsonReport({ write, diff: false })
  return {
    id,
    // How far something is says nothing afterwards, and is most of what a run says.
    emit: (event) => {
      if (event.type !== 'resource-progress') emit(event)
    },
    close: () => closeSync(file),
  }
}

/** Two runs may begin in the same millisecond: the later one has the next. */
function openRecord(directory: string, playbook: string): { id: string; at: string; file: number } {
  for (let time = Date.now(); ; time++) {
    const at = new Date(time).toISOString()
    const id = `${at.replaceAll(':', '')}-${playbook}`
    try {
      return { id, at, file: openSync(join(directory, `${id}.jsonl`), 'wx', 0o600) }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    }
  }
}

/** More say nothing that anybody looks for; a drift check from cron writes one each time. */
const recordsKept = 500

/** The ids of all runs of a project, newest first. */
export function listRuns(projectDirectory: string): string[] {
  try {
    return readdirSync(recordsDirectory(projectDirectory))
      .filter((name) => name.endsWith('.jsonl'))
      .map((name) => name.slice(0, -'.jsonl'.length))
      .sort()
      .reverse()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}

/** @throws SluiceError USAGE when there is no such run, or its record is damaged */
export function readRun(projectDirectory: string, id: string): RunRecord {
  const known = listRuns(projectDirectory)
  if (!known.includes(id)) {
    throw new SluiceError('USAGE', {
      subject: `there is no run "${id}"`,
      why: known.length === 0 ? 'this project has no runs yet' : `the newest is ${known[0]}`,
      advice: 'sluice log shows them all',
    })
  }
  const file = join(recordsDirectory(projectDirectory), `${id}.jsonl`)
  // A run that was killed may have left half a line.
  const lines = readFileSync(file, 'utf8').split('\n').slice(0, -1)
  try {
    const [first = '', ...rest] = lines
    const documents = rest.map((line) => v.parse(RunDocument, JSON.parse(line)))
    const end = documents.find((document) => document.type === 'run-ended')
    return { id, header: v.parse(RunHeader, JSON.parse(first)), documents, end }
  } catch (cause) {
    throw new SluiceError('USAGE', {
      subject: `the record of the run ${id} cannot be read`,
      at: file,
      why: reasonOf(cause),
      advice: 'it was written by another version, or damaged: remove it',
      cause,
    })
  }
}

/** Whether the run of a record is still under way, as far as this machine can tell. */
export function isUnderWay({ header, end }: RunRecord): boolean {
  if (end !== undefined || header.process === undefined || header.controller !== hostname()) return false
  // Of other users' processes a machine may tell no more than that they run.
  const { processStart = header.processStart } = startOf(header.process)
  return isRunning(header.process) && processStart === header.processStart
}

/** When a process was started, in ticks since the machine was: the 22nd value of `/proc/<process>/stat`. */
function startOf(number: number): Pick<RunHeader, 'processStart'> {
  const file = `/proc/${number}/stat`
  if (!existsSync(file)) return {}
  const afterName = readFileSync(file, 'utf8').replace(/^.*\) /s, '')
  const processStart = afterName.split(' ')[19]
  return processStart === undefined ? {} : { processStart }
}

/** The hosts that did not get to the end in the newest run that was to change them; `undefined` when there is none. */
export function failedHosts(projectDirectory: string): string[] | undefined {
  const newest = listRuns(projectDirectory)
    .values()
    .map((id) => readRun(projectDirectory, id))
    .find(({ documents }) => documents.some((each) => each.type === 'run-started' && !isCheck(each.mode)))
  if (newest === undefined) return undefined
  const { documents, end } = newest
  const started = documents.find((document) => document.type === 'run-started')
  const results = end?.result.hosts ?? []
  const well = results.filter(({ status }) => status === 'ok' || status === 'changed').map(({ host }) => host)
  return (started?.hosts ?? []).filter((host) => !well.includes(host))
}
