import { createHash } from 'node:crypto'
import * as v from 'valibot'
import { type Answer, type Change, compare, defineResource, run } from '../resource.ts'
import { AbsolutePath, AccountName, FileMode } from '../schemas.ts'
import { Secret } from '../secret.ts'
import { described, lines, type Script, sh, write } from '../shell.ts'
import { keepFormer, restoreFormer, tellOurs } from './former.ts'
import { digestOf } from './listed-paths.ts'
import { isKeys, loginKeys, refusalByKeys, tellKeysByFile } from './login-keys.ts'
import { networkGuard } from './network-files.ts'
import {
  definesIsFree,
  type Obstacle,
  parseObstacle,
  refuseObstacle,
  tellObstacle,
  withoutObstacle,
} from './obstacle.ts'

/** Longer contents are told apart by their beginning and size. */
const comparedBytes = 1_048_576

const Spec = v.pipe(
  v.strictObject({
    path: v.pipe(AbsolutePath, v.description('where the file is')),
    content: v.pipe(
      v.union([v.string(), v.instance(Secret)]),
      v.description('all of it; a secret is never shown'),
    ),
    mode: v.pipe(
      v.optional(FileMode, '0644'),
      v.description('permission bits; with a secret, none for others'),
    ),
    owner: v.pipe(v.optional(AccountName, 'root'), v.description('account name')),
    group: v.pipe(v.optional(AccountName, 'root'), v.description('group name')),
    accept: v.pipe(
      v.optional(v.custom<(staged: string) => Script>((value) => typeof value === 'function')),
      v.description('a command that judges the staged file before it is in place'),
    ),
    allowLockout: v.pipe(
      v.optional(v.boolean(), false),
      v.description(
        'a file of keys: go on although none by which the controller logs in is in it; the guard still takes that back',
      ),
    ),
  }),
  v.check(
    ({ content, mode }) => !(content instanceof Secret) || mode.endsWith('0'),
    'a secret should be in a file that others cannot read: mode 0600 or 0640',
  ),
)

type Spec = v.InferOutput<typeof Spec>

interface Have {
  mode: string
  owner: string
  group: string
  sizeBytes: number
  content: string
  ours: boolean
  /** Why the controller could not log in with the file as it is to be; empty where it could. */
  lockout: string
}

/** A regular file with exactly this content, mode and owner. */
export const file = defineResource<typeof Spec, Have | Obstacle>({
  kind: 'file',
  spec: Spec,
  id: ({ path }) => path,
  reads: ({ path }) => [`path:${path}`],
  heeds: ({ path }) => (isKeys(path) ? [loginKeys] : []),
  touches: ({ path }, changes) => [
    `path:${path}`,
    ...(isKeys(path) ? [loginKeys] : []),
    ...(changes.some(({ property }) => property === 'content') ? [`content:${path}`] : []),
  ],

  // An absent file is an answer, not a failure. The dot keeps a last line end from being cut off.
  probe: (spec) => ({
    script: sh`if [ -f ${spec.path} ] && [ ! -L ${spec.path} ]; then ${tellLockout(spec)}; stat --format='%a %U %G %s' -- ${spec.path}; ${tellOurs(spec.path)}; head -c ${comparedBytes} -- ${spec.path}; echo .; else ${tellObstacle(spec.path, 'file')}; fi`,
    parse(output) {
      const obstacle = parseObstacle(spec.path, output)
      if (obstacle !== undefined || output.length === 0) return obstacle
      const [lockout = '', ...rest] = isJudged(spec) ? output : ['', ...output]
      const [attributes = '', mark, ...content] = rest
      return { ...found(attributes, mark, content.join('\n').slice(0, -1)), lockout }
    },
  }),

  // What a file contains comes along only where no file should contain it; else its digest says enough.
  probeTogether: (specs) => ({
    script: described(
      `read ${specs.length} files`,
      sh`
${definesIsFree}
set --
${lines(specs.map((spec) => (isJudged(spec) ? tellJudgedKind(spec) : tellKind(spec))))}
[ $# -gt 0 ] || exit 0
stat --format='%a %U %G %s' -- "$@"
sums=$(sha256sum -- "$@")
for path; do
  sum=\${sums%%
*}
  sums=\${sums#*
}
  printf '%s\\n' "$sum"
  sum=\${sum#\\\\}
  case ${specs.map(digestWanted).join(' ')} in
    *"\${sum%% *}"*) ;;
    *) { head -c ${comparedBytes} -- "$path"; echo .; } | sed 's/^/ /' ;;
  esac
done`,
    ),
    parse: (output) => parseFiles(specs, output),
  }),

  diff(spec, there) {
    const have = withoutObstacle(there)
    const { content, mode, owner, group } = spec
    const attributes = compare({ mode, owner, group }, have)
    const want = textOf(spec)
    if (want === have?.content && Buffer.byteLength(want) === have.sizeBytes) return attributes
    return [contentChange(content, have), ...attributes]
  },

  refuse: (spec, have, pending) =>
    refuseObstacle(spec, 'file', have, pending) ??
    (pending.length === 0
      ? refusalByKeys(
          withoutObstacle(have)?.lockout ?? '',
          `put the public key that it names into ${spec.path}, for that user to read and for nobody else to write`,
        )
      : undefined),

  // The new connection that confirms it logs in and becomes root anew: who no longer can has shut the controller out.
  guard: ({ path }) =>
    isSudoers(path) || isKeys(path) ? { paths: [path], restore: sh`:` } : networkGuard(path),

  // Staged beside the target and renamed: a reader meets the old file or the new one, never half of it,
  // and what is staged belongs to its owner before it can be read under its name.
  apply({ path, content, mode, owner, group, accept = isSudoers(path) ? acceptSudoers : undefined }) {
    const staged = `${path}.sluice-staged`
    return [
      run(sh`
        staged=${staged}; trap 'rm -f -- "$staged"' EXIT
        ${write(staged, content)}
        chown -- ${`${owner}:${group}`} ${staged}
        chmod -- ${mode} ${staged}
        ${accept === undefined ? sh`:` : sh`( ${accept(staged)} )`}
        ${keepFormer(path)}
        mv --no-target-directory -- ${staged} ${path}
      `),
    ]
  },

  remove: ({ path }, have) => (withoutObstacle(have)?.ours ? [run(restoreFormer(path))] : []),
})

const isSudoers = (path: string) => path === '/etc/sudoers' || path.startsWith('/etc/sudoers.d/')

/** Whether the host is to say what becomes of the controller's login with the file. */
const isJudged = ({ path, allowLockout }: Spec) => isKeys(path) && !allowLockout

/** A line; an empty one where nothing is to change: then the host is spared the question. */
const tellLockout = (spec: Spec) =>
  isJudged(spec)
    ? sh`if ${isAsDeclared(spec)}; then echo; else ${tellKeysByFile(spec, sh`printf %s ${spec.content} > "$file"`)}; fi`
    : sh`:`

const isAsDeclared = (spec: Spec) => {
  const { path, mode, owner, group } = spec
  const attributes = `${Number.parseInt(mode, 8).toString(8)} ${owner} ${group}`
  return sh`[ "$(stat --format='%a %U %G' -- ${path})" = ${attributes} ] && [ "$(sha256sum < ${path})" = ${`${digestWanted(spec)}  -`} ]`
}

/** One that is to change is read alone, with the judgement. */
const tellJudgedKind = (spec: Spec) =>
  sh`if [ -f ${spec.path} ] && ! { ${isAsDeclared(spec)}; }; then echo alone; else ${tellKind(spec)}; fi`

/** A word for what is at the path; a file is put among `"$@"`. */
const tellKind = ({ path }: Spec) =>
  sh`if [ -f ${path} ] && [ ! -L ${path} ]; then set -- "$@" ${path}; ${tellOurs(path)}; elif is_free ${path} file; then echo absent; else echo obstacle; fi`

/** A mistake in one file shuts everybody out of sudo. */
const acceptSudoers = (staged: string) => sh`visudo -cf ${staged}`

const textOf = ({ content }: Spec) => (content instanceof Secret ? content.reveal() : content)

const digestWanted = (spec: Spec) => createHash('sha256').update(textOf(spec)).digest('hex')

function found(attributes: string, mark: string | undefined, content: string): Have {
  const [mode = '', owner = '', group = '', size = ''] = attributes.split(' ')
  return {
    mode: mode.padStart(4, '0'),
    owner,
    group,
    sizeBytes: Number(size),
    content,
    ours: mark === 'ours',
    lockout: '',
  }
}

const isPresent = (mark: string) => mark === 'ours' || mark === 'found'

/**
 * A line a file that says what is there, then the attributes of those that are, then their digests. Lines that begin
 * with a blank are the content of the file before them.
 */
function parseFiles(specs: readonly Spec[], output: readonly string[]): (Answer<Have> | undefined)[] {
  const marks = output.slice(0, specs.length)
  const present = marks.filter((mark) => isPresent(mark)).length
  const attributes = output.slice(specs.length, specs.length + present)
  const contents: { digest: string; lines: string[] }[] = []
  for (const line of output.slice(specs.length + present)) {
    if (line.startsWith(' ')) contents.at(-1)?.lines.push(line.slice(1))
    else contents.push({ digest: digestOf(line), lines: [] })
  }
  if (attributes.length !== present || contents.length !== present) return []
  let at = 0
  return specs.map((spec, index) => {
    if (marks[index] === 'absent') return { have: undefined }
    if (!isPresent(marks[index] ?? '')) return undefined
    const [attributesHere = '', content] = [attributes[at], contents[at]]
    at++
    if (content?.digest === digestWanted(spec))
      return { have: found(attributesHere, marks[index], textOf(spec)) }
    // It has what another file should have: this did not come along.
    if (content === undefined || content.lines.length === 0) return undefined
    return { have: found(attributesHere, marks[index], content.lines.join('\n').slice(0, -1)) }
  })
}

function contentChange(content: string | Secret, have: Have | undefined): Change {
  if (content instanceof Secret) {
    return { property: 'content', have: have && '***', want: '***' }
  }
  return {
    property: 'content',
    have: have && `${have.sizeBytes} bytes`,
    want: `${Buffer.byteLength(content)} bytes`,
    text: { have: have?.content, want: content },
  }
}

/** A file whose content a function of `templates/` makes of typed values. */
export function template<Values>({
  render,
  values,
  ...rest
}: { render(values: Values): string; values: Values } & Omit<v.InferInput<typeof Spec>, 'content'>) {
  return file({ ...rest, content: render(values) })
}
