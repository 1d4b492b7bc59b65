import type * as v from 'valibot'
import { describeError, SluiceError } from '../errors.ts'
import { isCheck } from '../events.ts'
import type { JsonError } from '../report/json-schema.ts'
import { profileLines } from '../report/profile.ts'
import { isUnderWay, listRuns, type RunHeader, type RunRecord, readRun } from '../report/run-record.ts'
import { painter } from '../report/terminal.ts'
import { changeText, count, duration } from '../report/wording.ts'
import { columns } from './columns.ts'
import { exitCodes } from './exit-codes.ts'
import type { Session } from './session.ts'

/** `log`: the runs of this project, newest first, or one of them. */
export function logCommand(
  session: Session,
  id: string | undefined,
  { json, last, profile }: { json: boolean; last: number; profile: boolean },
): number {
  const { projectDirectory, print } = session
  if (id !== undefined) return showRecord(session, readRun(projectDirectory, id), { json, profile })
  const records = listRuns(projectDirectory)
    .slice(0, last)
    .map((known) => readRun(projectDirectory, known))
  if (json) {
    for (const { id: known, header, end } of records)
      print(JSON.stringify({ ...header, id: known, ...(end && { result: end.result }) } satisfies RunHeader))
    return exitCodes.converged
  }
  if (records.length === 0) print('No runs yet: provision, harden and destroy leave a record here.')
  for (const line of columns(records.map((record) => [record.id, record.header.user, ...outcome(record)])))
    print(line)
  return exitCodes.converged
}

function outcome(record: RunRecord): string[] {
  const { header, end, documents } = record
  const started = documents.find((document) => document.type === 'run-started')
  const mode = started !== undefined && isCheck(started.mode) ? 'check' : ''
  if (end === undefined) return [header.inventory, mode, notEnded(record), '']
  const { hosts, noun, durationMs, interrupted } = end.result
  const changes = hosts.reduce((sum, { changed }) => sum + changed.length, 0)
  const badly = hosts
    .filter(({ status }) => status === 'failed' || status === 'skipped')
    .map(({ host }) => host)
  const words = [
    ...(interrupted ? ['stopped'] : []),
    ...(badly.length > 0 ? [`not to the end: ${badly.join(', ')}`] : []),
    changes === 0 ? 'nothing changed' : count(changes, 'change'),
  ]
  return [header.inventory, mode, `${count(hosts.length, noun)}: ${words.join('; ')}`, duration(durationMs)]
}

function notEnded(record: RunRecord): string {
  return isUnderWay(record) ? `is under way, process ${record.header.process}` : 'did not end: it was killed'
}

function showRecord(
  { print, stdout }: Session,
  record: RunRecord,
  { json, profile }: { json: boolean; profile: boolean },
): number {
  const { id, header, documents, end } = record
  if (json) {
    for (const document of [header, ...documents]) print(JSON.stringify(document))
    return exitCodes.converged
  }
  const paint = painter(stdout)
  print(
    `${id}  by ${header.user} on ${header.controller}, inventory ${header.inventory}, version ${header.version}`,
  )
  if (end === undefined) print(paint('red', `This run ${notEnded(record)}.`))
  for (const document of documents) {
    if (document.type === 'resource-changed' || document.type === 'resource-planned') {
      const { host, role, resource, changes } = document.planned
      const time = document.type === 'resource-changed' ? `  ${duration(document.durationMs)}` : ''
      print(`  ${host}  ${role}  ${resource}  (${changes.map(asChange).map(changeText).join(', ')})${time}`)
    }
    if (document.type === 'host-ended') {
      const { host, status, error, reason, durationMs } = document.result
      const why = error === undefined ? reason : `${error.code}  ${error.subject}`
      print(`${host}  ${status}  ${duration(durationMs)}${why === undefined ? '' : `  ${why}`}`)
      if (error !== undefined) for (const line of explained(error)) print(line)
    }
  }
  if (profile && end?.result.profile !== undefined)
    for (const line of profileLines(end.result.profile, paint)) print(line)
  return exitCodes.converged
}

/** Where it failed, why, and what to do: as it was shown then. */
function explained({ code, subject, at, why, advice }: v.InferOutput<typeof JsonError>): string[] {
  const error = new SluiceError(code, {
    subject,
    ...(at !== undefined && { at }),
    ...(why !== undefined && { why }),
    ...(advice !== undefined && { advice }),
  })
  return describeError(error).split('\n').slice(1)
}

const asChange = ({
  property,
  have,
  want,
}: {
  property: string
  have?: string | undefined
  want?: string | undefined
}) => ({
  property,
  have,
  want,
})
