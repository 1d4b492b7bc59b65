import * as v from 'valibot'
import { compare, defineResource, run } from '../resource.ts'
import { AbsolutePath, AccountName } from '../schemas.ts'
import { sh } from '../shell.ts'
import { forgetMade, noteMade, tellMade } from './former.ts'

const Identity = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(4_294_967_294))

const GroupSpec = v.strictObject({
  name: v.pipe(AccountName, v.description('its name')),
  gid: v.pipe(v.optional(Identity), v.description('its number; left out, the host chooses')),
})

/** A group of accounts, local to the host. */
export const group = defineResource<typeof GroupSpec, { gid: string; made: boolean }>({
  kind: 'group',
  spec: GroupSpec,
  id: ({ name }) => name,
  reads: ({ name }) => [`group:${name}`],
  touches: ({ name }) => [`group:${name}`],

  probe: ({ name }) => ({
    // getent says 2 for "no such name"; anything else that is not 0 could not be told.
    script: sh`getent group -- ${name} || [ $? -eq 2 ]; ${tellMade('group', name)}`,
    parse(output) {
      if (output.length < 2) return undefined
      return { gid: output[0]?.split(':')[2] ?? '', made: output[1] === 'made' }
    },
  }),

  diff: ({ name, gid }, have) => compare({ name, gid: gid?.toString() }, have && { name, gid: have.gid }),

  apply: ({ name, gid }, have) => [
    run(
      have === undefined
        ? sh`groupadd --system ${gid === undefined ? [] : ['--gid', gid]} -- ${name}; ${noteMade('group', name)}`
        : sh`groupmod ${gid === undefined ? [] : ['--gid', gid]} -- ${name}`,
    ),
  ],

  remove: ({ name }, { made }) => (made ? [run(removeGroup(name))] : []),
})

/** Where a user had a group of the same name, userdel has removed it already. */
const removeGroup = (name: string) =>
  sh`if getent group -- ${name} >/dev/null; then groupdel -- ${name}; fi; ${forgetMade('group', name)}`

const UserSpec = v.strictObject({
  name: v.pipe(AccountName, v.description('its name')),
  uid: v.pipe(v.optional(Identity), v.description('its number; left out, the host chooses')),
  group: v.pipe(AccountName, v.description('its primary group')),
  home: v.pipe(
    v.optional(AbsolutePath, '/nonexistent'),
    v.description('its home directory, which is not made'),
  ),
  shell: v.pipe(v.optional(AbsolutePath, '/usr/sbin/nologin'), v.description('its login shell')),
})

interface HaveUser {
  uid: string
  group: string
  home: string
  shell: string
  made: boolean
}

/** A system account without a password, local to the host. */
export const user = defineResource<typeof UserSpec, HaveUser>({
  kind: 'user',
  spec: UserSpec,
  id: ({ name }) => name,
  reads: ({ name, group: primary }) => [`user:${name}`, `group:${primary}`],
  touches: ({ name }) => [`user:${name}`],

  probe: ({ name }) => ({
    script: sh`getent passwd -- ${name} || [ $? -eq 2 ]; id --group --name -- ${name} 2>/dev/null || :; ${tellMade('user', name)}`,
    parse(output) {
      if (output.length < 3) return undefined
      const [, , uid = '', , , home = '', shell = ''] = (output[0] ?? '').split(':')
      return { uid, group: output[1] ?? '', home, shell, made: output[2] === 'made' }
    },
  }),

  diff: ({ name, uid, group: primary, home, shell }, have) =>
    compare({ name, uid: uid?.toString(), group: primary, home, shell }, have && { ...have, name }),

  apply({ name, uid, group: primary, home, shell }, have) {
    const options = ['--gid', primary, '--home-dir', home, '--shell', shell]
    const number = uid === undefined ? [] : ['--uid', uid]
    return [
      run(
        have === undefined
          ? sh`useradd --system --no-create-home ${number} ${options} -- ${name}; ${noteMade('user', name)}`
          : sh`usermod ${number} --gid ${primary} --home ${home} --shell ${shell} -- ${name}`,
      ),
    ]
  },

  remove: ({ name }, { made }) => (made ? [run(sh`userdel -- ${name}; ${forgetMade('user', name)}`)] : []),
})
