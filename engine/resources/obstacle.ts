import { SluiceError } from '../errors.ts'
import { quote, type Script, sh } from '../shell.ts'

/** Where a host has something of another kind than it should, at a path or above it. */
export class Obstacle {
  readonly path: string
  /** What it is and whose, in the words of `stat`. */
  readonly description: string
  /** How many names a directory has, and the first of them. */
  readonly entries: number
  readonly names: string[]

  constructor(path: string, description: string, entries: number, names: string[]) {
    this.path = path
    this.description = description
    this.entries = entries
    this.names = names
  }
}

/**
 * Defines `is_free PATH file|directory`: whether nothing at or above a path keeps a file (or a link) or a directory
 * from being there. A link and a file can be replaced by one another, and `destroy` gives the former back.
 */
export const definesIsFree: Script = sh`
is_free() {
  place=$1
  while [ ! -e "$place" ] && [ ! -L "$place" ]; do place=\${place%/*}; [ -n "$place" ] || place=/; done
  if [ "$place" = "$1" ] && [ "$2" = file ]; then [ -L "$place" ] || [ -f "$place" ]; else [ -d "$place" ]; fi
}`

/** Prints what keeps a path from being a file or a directory, for `parseObstacle`; nothing where nothing does. */
export function tellObstacle(path: string, kind: 'file' | 'directory'): Script {
  return sh`
${definesIsFree}
if ! is_free ${path} ${kind}; then
  echo obstacle
  printf %s "$place" | wc -c
  stat --format='%F of %U:%G, mode %a, last changed %.19y' -- "$place"
  if [ -d "$place" ]; then find "$place" -mindepth 1 -maxdepth 1 -printf . | wc -c; ls -A --quoting-style=shell-escape -- "$place" | head -n 5; fi
fi`
}

/** What stands in the way of `path`, by what `tellObstacle` printed. */
export function parseObstacle(path: string, output: readonly string[]): Obstacle | undefined {
  const [mark, bytes, description, entries, ...names] = output
  if (mark !== 'obstacle' || description === undefined) return undefined
  const place = Buffer.from(path).subarray(0, Number(bytes)).toString()
  return new Obstacle(place, description, Number(entries ?? 0), names)
}

/** What is there, unless that is something else than it should be. */
export function withoutObstacle<Have>(have: Have | Obstacle | undefined): Have | undefined {
  return have instanceof Obstacle ? undefined : have
}

/**
 * DATA_AT_RISK where something of another kind stands in the way: what it is may be of use to somebody.
 *
 * @param pending what earlier changes touch: they may take it away
 */
export function refuseObstacle(
  { path }: { path: string },
  wanted: string,
  have: unknown,
  pending: readonly string[],
): SluiceError | undefined {
  if (!(have instanceof Obstacle) || pending.length > 0) return undefined
  const { names, entries } = have
  const more = entries > names.length ? ' …' : ''
  const within =
    entries === 0
      ? ''
      : `\nin it: ${entries} ${entries === 1 ? 'entry' : 'entries'}: ${names.join(' ')}${more}`
  return new SluiceError('DATA_AT_RISK', {
    subject:
      have.path === path
        ? `${path} should be a ${wanted}, and is a ${kindOf(have)}`
        : `${path} should be a ${wanted}, and ${have.path} above it is no directory but a ${kindOf(have)}`,
    why: `${have.path}: ${have.description}${within}`,
    advice: `see whether anybody needs it, move it away (mv -- ${quote(have.path)} …) or remove it, then run again`,
  })
}

const kindOf = ({ description }: Obstacle) => description.split(' of ')[0] ?? description
