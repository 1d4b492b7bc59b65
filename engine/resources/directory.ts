import * as v from 'valibot'
import { compare, defineResource, run } from '../resource.ts'
import { AbsolutePath, AccountName, FileMode } from '../schemas.ts'
import { lines, sh } from '../shell.ts'
import { forgetMade, noteMade, tellMade } from './former.ts'
import {
  definesIsFree,
  type Obstacle,
  parseObstacle,
  refuseObstacle,
  tellObstacle,
  withoutObstacle,
} from './obstacle.ts'

const Spec = v.strictObject({
  path: v.pipe(AbsolutePath, v.description('where the directory is; its parents are made with it')),
  mode: v.pipe(v.optional(FileMode, '0755'), v.description('permission bits')),
  owner: v.pipe(v.optional(AccountName, 'root'), v.description('account name')),
  group: v.pipe(v.optional(AccountName, 'root'), v.description('group name')),
  holdsData: v.pipe(
    v.optional(v.boolean(), false),
    v.description('whether `destroy` keeps it without `--data`'),
  ),
})

interface Have {
  mode: string
  owner: string
  group: string
  made: boolean
}

const markName = (path: string) => path.slice(1).replaceAll('/', '.')

/** A directory with this mode and owner; what is in it is not its concern. */
export const directory = defineResource<typeof Spec, Have | Obstacle>({
  kind: 'directory',
  spec: Spec,
  id: ({ path }) => path,
  reads: ({ path }) => [`path:${path}`],
  touches: ({ path }, changes) =>
    // A directory that was away takes along what was in it; a new mode or owner concerns nobody else.
    changes.some(({ have }) => have === undefined) ? [`path:${path}`, `content:${path}`] : [],

  probe: ({ path }) => ({
    script: sh`if [ -d ${path} ]; then stat --format='%a %U %G' -- ${path}; ${tellMade('directory', markName(path))}; else ${tellObstacle(path, 'directory')}; fi`,
    parse: (output) => parseObstacle(path, output) ?? parseDirectory(output[0], output[1]),
  }),

  probeTogether: (specs) => ({
    script: sh`
      ${definesIsFree}
      set --
      ${lines(
        specs.map(
          ({ path }) =>
            sh`if [ -d ${path} ]; then set -- "$@" ${path}; ${tellMade('directory', markName(path))}; elif is_free ${path} directory; then echo absent; else echo obstacle; fi`,
        ),
      )}
      [ $# -eq 0 ] || stat --format='%a %U %G' -- "$@"`,
    parse(output) {
      const marks = output.slice(0, specs.length)
      const attributes = output.slice(specs.length).values()
      return marks.map((mark) => {
        if (mark === 'obstacle') return undefined
        return { have: mark === 'absent' ? undefined : parseDirectory(attributes.next().value, mark) }
      })
    },
  }),

  diff: ({ mode, owner, group }, have) => compare({ mode, owner, group }, withoutObstacle(have)),

  refuse: (spec, have, pending) => refuseObstacle(spec, 'directory', have, pending),

  apply: ({ path, mode, owner, group }, have) => [
    run(sh`
      ${have === undefined ? sh`mkdir -p -- ${path}; ${noteMade('directory', markName(path))}` : sh`:`}
      chown -- ${`${owner}:${group}`} ${path}
      chmod -- ${mode} ${path}
    `),
  ],

  // What was there before is not ours to remove.
  remove: ({ path }, have) =>
    withoutObstacle(have)?.made
      ? [run(sh`rm -rf --one-file-system -- ${path}; ${forgetMade('directory', markName(path))}`)]
      : [],
  holdsData: ({ holdsData }) => holdsData,
})

function parseDirectory(attributes: string | undefined, mark: string | undefined): Have | undefined {
  if (attributes === undefined) return undefined
  const [mode = '', owner = '', group = ''] = attributes.split(' ')
  return { mode: mode.padStart(4, '0'), owner, group, made: mark === 'made' }
}
