import { definePlaybook } from '../engine/playbook.ts'
import { base } from '../roles/base.ts'
import { firewall } from '../roles/firewall.ts'
import { sshd } from '../roles/sshd.ts'

/** What every host has, whatever it is for. */
export const foundation = {
  name: 'foundation',
  hosts: 'all', // A new port is opened before sshd moves to it.
  roles: [base, firewall, sshd],
}

export const harden = definePlaybook({
  name: 'harden',
  summary: 'Hardens sshd and sets the firewall on every host',
  plays: [foundation],
})
