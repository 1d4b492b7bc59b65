import * as v from 'valibot'
import { type Change, compare, defineResource, run } from '../resource.ts'
import { AbsolutePath, AccountName, FileMode } from '../schemas.ts'
import { Secret } from '../secret.ts'
import { type Script, sh, write } from '../shell.ts'
import { keepFormer, restoreFormer, tellOurs } from './former.ts'

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
  }),
  v.check(
    ({ content, mode }) => !(content instanceof Secret) || mode.endsWith('0'),
    'a secret should be in a file that others cannot read: mode 0600 or 0640',
  ),
)

interface Have {
  mode: string
  owner: string
  group: string
  sizeBytes: number
  content: string
  ours: boolean
}

/** A regular file with exactly this content, mode and owner. */
export const file = defineResource<typeof Spec, Have>({
  kind: 'file',
  spec: Spec,
  id: ({ path }) => path,
  reads: ({ path }) => [`path:${path}`],
  touches: ({ path }, changes) => [
    `path:${path}`,
    ...(changes.some(({ property }) => property === 'content') ? [`content:${path}`] : []),
  ],

  // An absent file is an answer, not a failure. The dot keeps a last line end from being cut off.
  probe: ({ path }) => ({
    script: sh`if [ -f ${path} ] && [ ! -L ${path} ]; then stat --format='%a %U %G %s' -- ${path}; ${tellOurs(path)}; head -c ${comparedBytes} -- ${path}; echo .; fi`,
    parse([attributes, mark, ...content]) {
      if (attributes === undefined) return undefined
      const [mode = '', owner = '', group = '', size = ''] = attributes.split(' ')
      const text = content.join('\n').slice(0, -1)
      return {
        mode: mode.padStart(4, '0'),
        owner,
        group,
        sizeBytes: Number(size),
        content: text,
        ours: mark === 'ours',
      }
    },
  }),

  diff({ content, mode, owner, group }, have) {
    const attributes = compare({ mode, owner, group }, have)
    const want = content instanceof Secret ? content.reveal() : content
    if (want === have?.content && Buffer.byteLength(want) === have.sizeBytes) return attributes
    return [contentChange(content, have), ...attributes]
  },

  // Staged beside the target and renamed: a reader meets the old file or the new one, never half of it,
  // and what is staged belongs to its owner before it can be read under its name.
  apply({ path, content, mode, owner, group, accept }, have) {
    const staged = `${path}.sluice-staged`
    return [
      run(sh`
        ${write(staged, content)}
        chown -- ${`${owner}:${group}`} ${staged}
        chmod -- ${mode} ${staged}
        ${accept === undefined ? sh`:` : sh`( ${accept(staged)} ) || { code=$?; rm -f -- ${staged}; exit "$code"; }`}
        ${keepFormer(path, have !== undefined)}
        mv --no-target-directory -- ${staged} ${path}
      `),
    ]
  },

  remove: ({ path }, { ours }) => (ours ? [run(restoreFormer(path))] : []),
})

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
