import * as v from 'valibot'
import { compare, defineResource, run } from '../resource.ts'
import { AbsolutePath } from '../schemas.ts'
import { sh } from '../shell.ts'
import { keepFormer, restoreFormer, tellOurs } from './former.ts'
import { type Obstacle, parseObstacle, refuseObstacle, tellObstacle, withoutObstacle } from './obstacle.ts'

const Spec = v.strictObject({
  path: v.pipe(AbsolutePath, v.description('where the link is')),
  target: v.pipe(v.string(), v.nonEmpty(), v.description('what it points to, as written into it')),
})

/** A symbolic link to this target. */
export const symlink = defineResource<typeof Spec, { target: string; ours: boolean } | Obstacle>({
  kind: 'symlink',
  spec: Spec,
  id: ({ path }) => path,
  reads: ({ path }) => [`path:${path}`],
  touches: ({ path }) => [`path:${path}`, `content:${path}`],

  probe: ({ path }) => ({
    script: sh`if [ -L ${path} ]; then ${tellOurs(path)}; readlink -- ${path}; elif [ -f ${path} ]; then echo found; else ${tellObstacle(path, 'file')}; fi`,
    parse(output) {
      const [mark, ...target] = output
      if (mark === undefined) return undefined
      return parseObstacle(path, output) ?? { target: target.join('\n'), ours: mark === 'ours' }
    },
  }),

  diff({ target }, there) {
    const have = withoutObstacle(there)
    return compare({ target }, have && { target: have.target })
  },

  refuse: (spec, have, pending) => refuseObstacle(spec, 'link', have, pending),

  // A link cannot be replaced in place; one with another name can be renamed over it.
  apply: ({ path, target }) => [
    run(sh`
      ${keepFormer(path)}
      ln --symbolic --force --no-dereference -- ${target} ${`${path}.sluice-staged`}
      mv --no-target-directory -- ${`${path}.sluice-staged`} ${path}
    `),
  ],

  remove: ({ path }, have) => (withoutObstacle(have)?.ours ? [run(restoreFormer(path))] : []),
})
