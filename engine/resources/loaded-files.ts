import { createHash } from 'node:crypto'
import { concerns, type Touched } from '../resource.ts'
import { type Script, sh } from '../shell.ts'

/**
 * What a service read when it started. Its unit records, each time it starts or reloads, where each of these paths
 * led and what it contained; so whoever started it, and whatever became of an earlier run, the difference between
 * the record and the disk tells whether a restart is owed.
 */

/** A line a path: where it leads, and the digest of the content. A directory is known by where its link leads. */
const recordCode =
  'for f; do echo "$(readlink -f -- "$f") $([ -d "$f" ] || sha256sum < "$f")"; done 2>/dev/null'

const records = '/run/sluice'

export const recordPath = (unit: string) => `${records}/${unit}.loaded`

/** One line a path, in the order of the paths. */
export interface LoadedFiles {
  onDisk: string[]
  /** Empty when the unit has not recorded anything since the host started. */
  loaded: string[]
}

/** The drop-in that makes a unit record what it loads. In unit files `$` is written `$$`. */
export function recordingDropIn(paths: readonly string[], { onReload }: { onReload: boolean }): string {
  const code = `mkdir -p ${records}; ( ${recordCode} ) > ${recordPath('%n')}`.replaceAll('$', '$$$$')
  const hook = `+/bin/sh -c '${code}' sh ${paths.join(' ')}`
  return ['[Service]', `ExecStartPre=${hook}`, ...(onReload ? [`ExecReload=${hook}`] : []), ''].join('\n')
}

/** The line that the record has of a path, as far as it was read: no digest for a directory. */
export function loadedLine(target: string, digest: string | undefined): string {
  return `${target} ${digest === undefined ? '' : `${digest}  -`}`
}

/** Prints what is on the disk and what was recorded, for `parseLoadedFiles`. */
export function tellLoadedFiles(unit: string, paths: readonly string[]): Script {
  return sh`
    set -- ${paths}
    echo onDisk
    ${{ text: recordCode, shown: 'digests' }}
    echo loaded
    if [ -r ${recordPath(unit)} ]; then cat ${recordPath(unit)}; fi
    echo end`
}

export function parseLoadedFiles(output: readonly string[]): LoadedFiles {
  const [start, middle, end] = ['onDisk', 'loaded', 'end'].map((word) => output.indexOf(word))
  return { onDisk: output.slice((start ?? 0) + 1, middle), loaded: output.slice((middle ?? 0) + 1, end) }
}

export function forgetLoadedFiles(unit: string): Script {
  return sh`rm -f -- ${recordPath(unit)}
    if [ -d ${records} ]; then rmdir --ignore-fail-on-non-empty -- ${records}; fi`
}

/** What the unit runs with another of than is on the disk, or will be once `touched` is changed. */
export function staleFiles(
  paths: readonly string[],
  { onDisk, loaded }: LoadedFiles,
  touched: readonly Touched[] = [],
): string[] {
  const future = paths.map((path, index) => {
    const change = touched.findLast(({ subject }) => concerns(subject, `content:${path}`))
    if (change === undefined) return onDisk[index]
    if (change.content === undefined) return undefined
    const digest = createHash('sha256').update(change.content).digest('hex')
    return loadedLine(onDisk[index]?.split(' ')[0] || path, digest)
  })
  return paths.filter((_, index) => loaded.length !== paths.length || future[index] !== loaded[index])
}
