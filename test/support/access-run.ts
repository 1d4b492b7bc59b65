import * as v from 'valibot'
import type { RunEvent, RunResult } from '../../engine/events.ts'
import type { Host, Inventory, PolicyRule } from '../../engine/inventory.ts'
import { definePlaybook } from '../../engine/playbook.ts'
import { file } from '../../engine/resources/file.ts'
import { sshdConfig } from '../../engine/resources/sshd-config.ts'
import { defineRole } from '../../engine/role.ts'
import { runPlaybook } from '../../engine/run.ts'
import type { Connection } from '../../engine/transport/connection.ts'
import { firewall } from '../../roles/firewall.ts'
import { sshd } from '../../roles/sshd.ts'

/** An sshd that does as it is told, without the role's own checks: it listens where nobody looks for it. */
const strayingSshd = defineRole({
  name: 'straying',
  description: 'an sshd that listens elsewhere',
  params: v.strictObject({}),
  resources: () => [sshdConfig({ content: 'Port 2222\n' })],
})

/** Rules for sudo that nobody can use, written as they should be. */
const closedSudo = defineRole({
  name: 'closed-sudo',
  description: 'a sudo that lets nobody become root',
  params: v.strictObject({}),
  resources: () => [
    file({ path: '/etc/sudoers.d/zz-closed', content: 'ALL ALL=(ALL) !ALL\n', mode: '0440' }),
  ],
})

/** The keys of an account, and ours no longer among them. */
const otherKeys = defineRole({
  name: 'other-keys',
  description: 'only a key that we do not have',
  params: v.strictObject({ allowLockout: v.optional(v.boolean(), false) }),
  resources: ({ allowLockout }, { host: { user } }) => [
    file({
      path: `/home/${user}/.ssh/authorized_keys`,
      content: 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ0gAlqxDQSmPqqBZQ6Jm3cVYV2O0bT1gZkS8f3mBd2X other\n',
      mode: '0600',
      owner: user,
      group: user,
      allowLockout,
    }),
  ],
})

/** Rules for sudo that nobody can read. */
const brokenSudo = defineRole({
  name: 'broken-sudo',
  description: 'a sudo that finds a mistake in its rules',
  params: v.strictObject({}),
  resources: () => [file({ path: '/etc/sudoers.d/zz-broken', content: 'ALL ALL=(ALL\n', mode: '0440' })],
})

const playbooks = {
  brokenSudo: [brokenSudo],
  closedSudo: [closedSudo],
  otherKeys: [otherKeys],
  access: [firewall, sshd],
  firewall: [firewall],
  sshd: [sshd],
  straying: [strayingSshd],
}

export interface AccessRun {
  roles: keyof typeof playbooks
  inventory: Inventory
  variables?: Record<string, Record<string, unknown>>
  guardSeconds: number
  connect(host: Host): Promise<Connection>
}

export const sshOnly: PolicyRule[] = [{ from: ['admin'], to: 'all', port: 22, protocol: 'tcp' }]
export const noSsh: PolicyRule[] = [{ from: ['admin'], to: 'all', port: 80, protocol: 'tcp' }]

/** Runs roles that concern the way in, as a playbook on the first host. */
export async function accessRun({
  roles,
  inventory,
  variables = {},
  guardSeconds,
  connect,
}: AccessRun): Promise<RunResult & { events: RunEvent[] }> {
  const events: RunEvent[] = []
  const result = await runPlaybook({
    playbook: definePlaybook({
      name: 'access',
      summary: 'the way in',
      plays: [{ name: 'access', hosts: 'all', roles: playbooks[roles] }],
    }),
    // It has variables of roles that have no part in this.
    inventory: { ...inventory, sharedVariables: true },
    hosts: inventory.hosts.slice(0, 1),
    mode: 'apply',
    overrides: [variables],
    knownRoles: ['firewall', 'sshd', 'other-keys'],
    forks: 1,
    removeData: false,
    artifacts: { cacheDirectory: '/dev/null/none' },
    guardSeconds,
    connect,
    emit: (event) => events.push(event),
  })
  return { ...result, events }
}
