import * as v from 'valibot'
import { compare, defineResource, run } from '../resource.ts'
import { AbsolutePath } from '../schemas.ts'
import { sh } from '../shell.ts'
import { keepFormer, restoreFormer, tellOurs } from './former.ts'

const Spec = v.strictObject({
  path: v.pipe(AbsolutePath, v.description('where the link is')),
  target: v.pipe(v.string(), v.nonEmpty(), v.description('what it points to, as written into it')),
})

/** A symbolic link to this target. */
export const symlink = defineResource<typeof Spec, { target: string; ours: boolean }>({
  kind: 'symlink',
  spec: Spec,
  id: ({ path }) => path,
  reads: ({ path }) => [`path:${path}`],
  touches: ({ path }) => [`path:${path}`, `content:${path}`],

  probe: ({ path }) => ({
    script: sh`if [ -L ${path} ]; then ${tellOurs(path)}; readlink -- ${path}; elif [ -e ${path} ]; then echo found; fi`,
    parse: ([mark, ...target]) =>
      mark === undefined ? undefined : { target: target.join('\n'), ours: mark === 'ours' },
  }),

  diff: ({ target }, have) => compare({ target }, have && { target: have.target }),

  // A link cannot be replaced in place; one with another name can be renamed over it.
  apply: ({ path, target }, have) => [
    run(sh`
      if [ -d ${path} ] && [ ! -L ${path} ]; then echo "a directory is in the way" >&2; exit 1; fi
      ${keepFormer(path, have !== undefined)}
      ln --symbolic --force --no-dereference -- ${target} ${`${path}.sluice-staged`}
      mv --no-target-directory -- ${`${path}.sluice-staged`} ${path}
    `),
  ],

  remove: ({ path }, { ours }) => (ours ? [run(restoreFormer(path))] : []),
})
