import * as v from 'valibot'
import { defineResource, run } from '../resource.ts'
import { AbsolutePath, AccountName } from '../schemas.ts'
import { quote, sh, write } from '../shell.ts'
import { forgetMade, noteMade, tellMade } from './former.ts'

const Spec = v.strictObject({
  archive: v.pipe(AbsolutePath, v.description('a .tar.gz file on the host')),
  directory: v.pipe(AbsolutePath, v.description('where it is unpacked; the directory is all its own')),
  owner: v.pipe(v.optional(AccountName, 'root'), v.description('account that the files belong to')),
})

const record = (directory: string) => `${directory}/.sluice-archive`
const markName = (directory: string) => directory.slice(1).replaceAll('/', '.')

/** An archive on the host, unpacked. A changed archive is unpacked anew, and what only the former one had is gone. */
export const archive = defineResource<typeof Spec, { unpacked: string; onDisk: string; made: boolean }>({
  kind: 'archive',
  spec: Spec,
  id: ({ directory }) => directory,
  reads: ({ archive: path, directory }) => [`content:${path}`, `path:${directory}`],
  touches: ({ directory }) => [`path:${directory}`, `content:${directory}`],

  probe: ({ archive: path, directory }) => ({
    script: sh`
      if [ -f ${record(directory)} ]; then cat ${record(directory)}; else echo none; fi
      if [ -f ${path} ]; then sha256sum < ${path} | cut -d ' ' -f 1; else echo absent; fi
      ${tellMade('archive', markName(directory))}`,
    parse([unpacked = '', onDisk = '', mark]) {
      return { unpacked, onDisk, made: mark === 'made' }
    },
  }),

  diff(_, have) {
    if (have !== undefined && have.unpacked === have.onDisk) return []
    return [{ property: 'content', have: have?.unpacked.slice(0, 12), want: have?.onDisk.slice(0, 12) }]
  },

  apply: ({ archive: path, directory, owner }) => [
    run(sh`
      if [ -e ${directory} ] && [ ! -f ${record(directory)} ] && [ -n "$(ls -A ${directory})" ]; then
        echo ${`${quote(directory)} has files that no archive brought`} >&2; exit 1
      fi
      trap 'rm -rf --one-file-system -- "$partial"' EXIT
      partial=${`${directory}.partial`}
      rm -rf --one-file-system -- "$partial"
      mkdir -p -- ${`${directory}.partial`}
      # tar takes a backslash in a name, and a colon, for something else.
      ( cd -- ${`${directory}.partial`}; tar --extract --gzip --no-same-owner --file - ) < ${path}
      ${write(`${directory}.partial/.sluice-archive`, '')}
      sha256sum < ${path} | cut -d ' ' -f 1 > ${`${directory}.partial/.sluice-archive`}
      chown -R -- ${`${owner}:`} ${`${directory}.partial`}
      rm -rf --one-file-system -- ${directory}
      mv --no-target-directory -- ${`${directory}.partial`} ${directory}
      ${noteMade('archive', markName(directory))}
    `),
  ],

  remove: ({ directory }, { made }) =>
    made
      ? [run(sh`rm -rf --one-file-system -- ${directory}; ${forgetMade('archive', markName(directory))}`)]
      : [],
})
