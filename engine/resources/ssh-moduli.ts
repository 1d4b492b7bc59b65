import * as v from 'valibot'
import { defineResource, run } from '../resource.ts'
import { sh } from '../shell.ts'
import { keepFormer, restoreFormer, tellOurs } from './former.ts'

const path = '/etc/ssh/moduli'

const Spec = v.strictObject({
  leastBits: v.pipe(
    v.number(),
    v.integer(),
    v.minValue(2047),
    v.description('the size of the smallest group that stays, less one as the file counts'),
  ),
})

/** The groups that sshd offers for a Diffie-Hellman group exchange, without the small ones. sshd reads them at each login. */
export const sshModuli = defineResource<typeof Spec, { small: number; ours: boolean }>({
  kind: 'moduli',
  spec: Spec,
  id: () => path,
  reads: () => ['package:openssh-server', `path:${path}`],
  touches: () => [`path:${path}`],

  probe: ({ leastBits }) => ({
    script: sh`if [ -f ${path} ]; then awk -v least=${leastBits} '!/^#/ && $5 < least { small++ } END { print small + 0 }' ${path}; ${tellOurs(path)}; fi`,
    parse: ([small, mark]) =>
      small === undefined ? undefined : { small: Number(small), ours: mark === 'ours' },
  }),

  // Without the file sshd has a group of its own that is large enough.
  diff: (_, have) =>
    have === undefined || have.small === 0
      ? []
      : [{ property: 'small groups', have: String(have.small), want: '0' }],

  apply: ({ leastBits }) => [
    run(sh`
      awk -v least=${leastBits} '/^#/ || $5 >= least' ${path} > ${`${path}.sluice-staged`}
      grep -q '^[^#]' ${`${path}.sluice-staged`} || { rm -f ${`${path}.sluice-staged`}; echo 'every group is smaller' >&2; exit 1; }
      chmod 0644 ${`${path}.sluice-staged`}
      ${keepFormer(path)}
      mv --no-target-directory -- ${`${path}.sluice-staged`} ${path}`),
  ],

  restores: () => true,
  remove: (_, { ours }) => (ours ? [run(restoreFormer(path))] : []),
})
