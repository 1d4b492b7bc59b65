import * as v from 'valibot'
import { defineResource, run } from '../resource.ts'
import { AbsolutePath } from '../schemas.ts'
import { type Script, sh } from '../shell.ts'

const ScriptValue = v.custom<Script>(
  (value) => typeof value === 'object' && value !== null && 'text' in value,
)

const Spec = v.pipe(
  v.strictObject({
    name: v.pipe(v.string(), v.nonEmpty(), v.description('what it is for, in a few words')),
    script: v.pipe(ScriptValue, v.description('the command, run as root by a POSIX shell')),
    creates: v.pipe(v.optional(AbsolutePath), v.description('a path that is there once it was run')),
    unless: v.pipe(
      v.optional(ScriptValue),
      v.description(
        'a read-only command that ends with 0 once it was run; one that cannot be run at all is an error',
      ),
    ),
    reads: v.pipe(
      v.optional(v.array(v.string()), []),
      v.description('subjects that decide whether it must run'),
    ),
    touches: v.pipe(
      v.optional(v.array(v.string()), []),
      v.description('subjects that it alters, `path:/etc/hosts` or `unit:ssh.service` for example'),
    ),
    timeoutSeconds: v.pipe(v.optional(v.number(), 600), v.description('how long it may take')),
  }),
  v.check(
    ({ creates, unless }) => (creates === undefined) !== (unless === undefined),
    'should have either "creates" or "unless": a command that nothing can tell to be done would run every time',
  ),
)

/** A command, for what no other kind can say. Whether it was run must be visible in the host's state. */
export const command = defineResource<typeof Spec, { done: boolean }>({
  kind: 'command',
  spec: Spec,
  id: ({ name }) => name,
  reads: ({ name, creates, reads }) => [
    `command:${name}`,
    ...(creates === undefined ? [] : [`path:${creates}`]),
    ...reads,
  ],
  touches: ({ name, creates, touches }) => [
    `command:${name}`,
    ...(creates === undefined ? [] : [`path:${creates}`, `content:${creates}`]),
    ...touches,
  ],

  probe: ({ creates, unless }) => ({
    script:
      creates === undefined
        ? sh`
            said=$( ( ${unless ?? sh`false`} ) 2>&1 >/dev/null ) && echo done || case $? in
              126 | 127) echo "$said" >&2; exit 1 ;;
            esac`
        : sh`if [ -e ${creates} ]; then echo done; fi`,
    parse: ([word]) => ({ done: word === 'done' }),
  }),

  diff: (_, have) => (have?.done ? [] : [{ property: 'state', have: 'not run', want: 'run' }]),

  apply: ({ script, timeoutSeconds }) => [run(script, { timeoutSeconds })],
})
