import * as v from 'valibot'
import { type Change, defineResource, run } from '../resource.ts'
import { lines, sh, write } from '../shell.ts'
import { keepFormer, restoreFormerContent } from './former.ts'
import { linesOfPath, tellLinesOf } from './listed-paths.ts'

const Spec = v.strictObject({
  key: v.pipe(
    v.string(),
    v.regex(/^[a-z0-9_]+(\.[a-zA-Z0-9_*-]+)+$/, 'should be a key such as vm.swappiness'),
    v.description('its dotted name'),
  ),
  value: v.pipe(
    v.union([v.string(), v.number()]),
    v.transform(String),
    v.description('the value; several are separated by one blank'),
  ),
})

interface Have {
  persisted: string | undefined
  live: string | undefined
  writable: boolean
}

const filePath = (key: string) => `/etc/sysctl.d/60-sluice-${key}.conf`
const fileContent = (key: string, value: string) => `${key} = ${value}\n`
const livePath = (key: string) => `/proc/sys/${key.replaceAll('.', '/')}`

/**
 * A kernel setting, now and after a reboot. In a container some belong to the machine's one kernel and cannot be
 * set: these are written for the next boot, and said to be so, once.
 */
export const sysctl = defineResource<typeof Spec, Have>({
  kind: 'sysctl',
  spec: Spec,
  id: ({ key }) => key,
  reads: ({ key }) => [`sysctl:${key}`],
  touches: ({ key }) => [`sysctl:${key}`],

  probe: ({ key }) => ({
    script: sh`
      if [ -w ${livePath(key)} ]; then echo writable; else echo fixed; fi
      if [ -r ${livePath(key)} ]; then cat ${livePath(key)}; else echo; fi
      if [ -r ${filePath(key)} ]; then cat ${filePath(key)}; fi`,
    parse: ([access, live = '', ...persisted]) => found(access, live, persisted),
  }),

  probeTogether: (specs) => ({
    script: sh`
      ${lines(specs.map(({ key }) => sh`if [ -w ${livePath(key)} ]; then echo writable; else echo fixed; fi`))}
      ${tellLinesOf(specs.flatMap(({ key }) => [livePath(key), filePath(key)]))}`,
    parse: (output) =>
      specs.map(({ key }, index) => {
        // A kernel that does not have it, or does not let it be read.
        const [live] = linesOfPath(output, livePath(key))
        return live === undefined
          ? undefined
          : { have: found(output[index], live, linesOfPath(output, filePath(key))) }
      }),
  }),

  diff({ key, value }, have) {
    const changes: Change[] = []
    if (have?.persisted !== fileContent(key, value)) {
      const shared = have?.writable === false && have.live !== value
      const note = shared
        ? ` (this host cannot set it now, it has ${have.live ?? 'none'}: kept for a boot that can)`
        : ''
      changes.push({ property: 'persisted', have: have?.persisted?.trim(), want: `${value}${note}` })
    }
    if (have?.writable && have.live !== value)
      changes.push({ property: 'live', have: have.live, want: value })
    return changes
  },

  apply: ({ key, value }, have) => [
    run(sh`
      ${write(`${filePath(key)}.staged`, fileContent(key, value))}
      chmod 0644 ${`${filePath(key)}.staged`}
      mv -- ${`${filePath(key)}.staged`} ${filePath(key)}
      ${have?.writable && have.live !== value ? keepFormer(livePath(key)) : sh`:`}
      ${have?.writable ? sh`printf '%s\n' ${value} > ${livePath(key)}` : sh`:`}
    `),
  ],

  restores: () => true,
  remove: ({ key }, { persisted }) =>
    persisted === undefined
      ? []
      : [run(sh`${restoreFormerContent(livePath(key))}; rm -f -- ${filePath(key)}`)],
})

function found(access: string | undefined, live: string, persisted: readonly string[]): Have {
  return {
    writable: access === 'writable',
    live: live === '' ? undefined : live.trim().replaceAll(/\s+/g, ' '),
    persisted: persisted.length === 0 ? undefined : `${persisted.join('\n')}\n`,
  }
}
