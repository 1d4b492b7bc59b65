import { createHash } from 'node:crypto'
import type { Answer } from '../resource.ts'
import { lines, type Script, sh } from '../shell.ts'
import { restoreFormer, tellOurs } from './former.ts'
import { digestOf, linesOfPath, part, tellLinesOf } from './listed-paths.ts'
import {
  forgetLoadedFiles,
  type LoadedFiles,
  loadedLine,
  parseLoadedFiles,
  recordPath,
  tellLoadedFiles,
} from './loaded-files.ts'

/** What is to be known of a unit. */
export interface UnitQuestion {
  unit: string
  /** What its file should contain, where Sluice brings it. */
  content: string | undefined
  /** What the drop-in that records what it loads should contain, where there is one. */
  dropIn: string
  /** Everything that a restart would take up. */
  loads: readonly string[]
}

/** How a unit was found. */
export interface UnitState {
  loadState: string
  activeState: string
  enabled: string
  needsReload: boolean
  files: LoadedFiles
  content: string | undefined
  dropIn: string | undefined
  /** Whether the unit file was made or replaced by Sluice. */
  ours: boolean
}

export const unitPath = (unit: string) => `/etc/systemd/system/${unit}`
export const dropInPath = (unit: string) => `/etc/systemd/system/${unit}.d/50-sluice-loaded.conf`

/** Takes away the drop-in that records what a unit loads, with the note of what was there before, and the record itself. */
export function forgetLoads(unit: string): Script {
  return sh`
    rm -f -- ${dropInPath(unit)}
    ${restoreFormer(dropInPath(unit))}
    if [ -d ${`${unitPath(unit)}.d`} ]; then rmdir --ignore-fail-on-non-empty -- ${`${unitPath(unit)}.d`}; fi
    ${forgetLoadedFiles(unit)}`
}

const properties = 'LoadState,ActiveState,UnitFileState,NeedDaemonReload'

/** systemd has no state of a template, only of its instances. */
const isTemplate = (unit: string) => unit.includes('@.')

/** Prints all of one unit, for `parseUnit`. */
export function tellUnit({ unit, loads }: UnitQuestion): Script {
  return sh`
    ${isTemplate(unit) ? sh`:` : sh`systemctl show --property=${properties} -- ${unit}`}
    echo "mark=$( ${tellOurs(unitPath(unit))} )"
    ${tellLoadedFiles(unit, loads)}
    for part in ${[unitPath(unit), dropInPath(unit)]}; do
      echo "part $part"
      if [ -f "$part" ]; then cat -- "$part"; echo .; fi
    done`
}

export function parseUnit(unit: string, output: string[]): UnitState {
  const partStarts = output.flatMap((line, index) => (line.startsWith('part /') ? [index] : []))
  const head = output.slice(0, partStarts[0])
  const textOf = (path: string) => {
    const start = output.indexOf(`part ${path}`)
    const following = partStarts.find((index) => index > start) ?? output.length
    const text = output.slice(start + 1, following).join('\n')
    return text === '' ? undefined : text.slice(0, -1)
  }
  return {
    ...propertiesIn(head),
    files: parseLoadedFiles(head),
    ours: head.includes('mark=ours'),
    content: textOf(unitPath(unit)),
    dropIn: textOf(dropInPath(unit)),
  }
}

function propertiesIn(output: readonly string[]) {
  const property = (name: string) =>
    output.find((line) => line.startsWith(`${name}=`))?.slice(name.length + 1) ?? ''
  return {
    loadState: property('LoadState'),
    activeState: property('ActiveState'),
    enabled: property('UnitFileState'),
    needsReload: property('NeedDaemonReload') === 'yes',
  }
}

/** Prints of many units whether they are as they should be, for `parseUnits`: digests in place of texts. */
export function tellUnits(asked: readonly UnitQuestion[]): Script {
  const units = asked.map(({ unit }) => unit).filter((unit) => !isTemplate(unit))
  return sh`
    echo units
    ${units.length === 0 ? sh`:` : sh`systemctl show --property=Id,${properties} -- ${units}`}
    echo marks
    ${lines(asked.map(({ unit }) => tellOurs(unitPath(unit))))}
    echo paths
    set --
    ${lines(pathsOf(asked).map((path) => sh`if [ -f ${path} ]; then set -- "$@" ${path}; echo file; elif [ -e ${path} ]; then set -- "$@" ${path}; echo other; else echo absent; fi`))}
    echo targets
    [ $# -eq 0 ] || readlink -f -- "$@"
    echo digests
    [ $# -eq 0 ] || sha256sum -- "$@" 2>/dev/null || :
    echo records
    ${tellLinesOf(asked.map(({ unit }) => recordPath(unit)))}
    echo end`
}

/** The states of the units of which all that the digests tell is that they are as they should be; no other's. */
export function parseUnits(
  asked: readonly UnitQuestion[],
  output: readonly string[],
): (Answer<UnitState> | undefined)[] {
  const blocks = part(output, 'units', 'marks').join('\n').split('\n\n').values()
  const marks = part(output, 'marks', 'paths')
  const records = part(output, 'records', 'end')
  const disk = onDisk(asked, output)
  if (disk === undefined) return []
  return asked.map(({ unit, content, dropIn, loads }, index) => {
    const block = isTemplate(unit) ? [] : (blocks.next().value ?? '').split('\n')
    const [file, added] = [disk.get(unitPath(unit)), disk.get(dropInPath(unit))]
    const loaded = loads.map((path) => disk.get(path)?.line)
    if (block.length === 1 || loaded.includes(undefined)) return undefined
    if (content !== undefined && file?.digest !== digestOfText(content)) return undefined
    if (added !== undefined && added.digest !== digestOfText(dropIn)) return undefined
    return {
      have: {
        ...propertiesIn(block),
        files: {
          onDisk: loaded.filter((line) => line !== undefined),
          loaded: linesOfPath(records, recordPath(unit)),
        },
        ours: marks[index] === 'ours',
        content,
        dropIn: added && dropIn,
      },
    }
  })
}

const pathsOf = (asked: readonly UnitQuestion[]) => [
  ...new Set(asked.flatMap(({ unit, loads }) => [...loads, unitPath(unit), dropInPath(unit)])),
]

/** What is at each path, by the answers' order; nothing when a name or a change meanwhile has confused it. */
function onDisk(
  asked: readonly UnitQuestion[],
  output: readonly string[],
): Map<string, { line: string; digest: string | undefined }> | undefined {
  const sorts = part(output, 'paths', 'targets')
  const targets = part(output, 'targets', 'digests')
  const digests = part(output, 'digests', 'records').map(digestOf)
  const those = (...words: string[]) => sorts.filter((sort) => words.includes(sort)).length
  if (targets.length !== those('file', 'other') || digests.length !== those('file')) return undefined
  const nextTarget = targets.values()
  const nextDigest = digests.values()
  return new Map(
    pathsOf(asked).flatMap((path, index) => {
      if (sorts[index] === 'absent') return []
      const digest = sorts[index] === 'file' ? nextDigest.next().value : undefined
      return [[path, { line: loadedLine(nextTarget.next().value ?? '', digest), digest }] as const]
    }),
  )
}

function digestOfText(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
