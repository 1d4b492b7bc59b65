import * as v from 'valibot'
import { group, user } from '../../../engine/resources/account.ts'
import { aptPackage } from '../../../engine/resources/apt-package.ts'
import { directory } from '../../../engine/resources/directory.ts'
import { file, template } from '../../../engine/resources/file.ts'
import { sysctl } from '../../../engine/resources/sysctl.ts'
import { systemdUnit } from '../../../engine/resources/systemd-unit.ts'
import { defineRole } from '../../../engine/role.ts'
import { sh } from '../../../engine/shell.ts'
import { declared } from '../declared.ts'
import { appConf } from './app-conf.ts'

const { packages, account, directories, files, sysctls, sshd, units } = declared

/** What `declared` says, in Sluice's words. */
export const benchRole = defineRole({
  name: 'bench',
  description: 'what every tool of the bench declares',
  params: v.strictObject({}),
  resources: (_, { host }) => [
    aptPackage({ name: packages }),
    group({ name: account.name, gid: account.id }),
    user({
      name: account.name,
      uid: account.id,
      group: account.name,
      home: account.home,
      shell: account.shell,
    }),
    ...directories.map(({ path, mode, owner }) => directory({ path, mode, owner, group: owner })),
    ...files.map((rendered) =>
      template({
        path: rendered.path,
        render: appConf,
        values: { file: rendered, hostName: host.name },
        group: account.name,
        mode: '0640',
      }),
    ),
    ...sysctls.map(({ key, value }) => sysctl({ key, value })),
    file({
      path: sshd.path,
      content: sshd.content,
      mode: '0600',
      accept: (staged) => sh`/usr/sbin/sshd -t -f ${staged}`,
    }),
    systemdUnit({ unit: 'ssh.service', state: 'running', loads: [sshd.path], onChange: 'reload' }),
    ...units.map(({ unit, content }) => systemdUnit({ unit, content, enabled: true, state: 'running' })),
  ],
})
