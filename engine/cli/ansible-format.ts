import type { Host, Inventory } from '../inventory.ts'
import { variablesOf } from '../variables.ts'

/** An inventory in the form that `ansible-inventory --list` prints and Ansible's inventory scripts answer with. */
export function ansibleFormat(inventory: Inventory, hosts: readonly Host[]): object {
  const groups = [...new Set(hosts.flatMap((host) => host.groups))].sort()
  const alone = hosts.filter((host) => host.groups.length === 0)
  const members = groups.map((group) => {
    const inGroup = hosts.filter((host) => host.groups.includes(group))
    return [group, { hosts: inGroup.map(({ name }) => name) }]
  })
  return {
    _meta: {
      hostvars: Object.fromEntries(hosts.map((host) => [host.name, hostVariables(host, inventory)])),
    },
    all: { children: ['ungrouped', ...groups] },
    ...Object.fromEntries(members),
    ...(alone.length > 0 && { ungrouped: { hosts: alone.map(({ name }) => name) } }),
  }
}

function hostVariables(host: Host, inventory: Inventory): object {
  const { address, port, user, identityFile, jump } = host
  return {
    ...variablesOf(host, inventory, []),
    ansible_host: address,
    ansible_port: port,
    ansible_user: user,
    ...(identityFile !== undefined && { ansible_ssh_private_key_file: identityFile }),
    ...(jump !== undefined && { ansible_ssh_common_args: `-o ProxyJump=${jumpsTo(jump).join(',')}` }),
  }
}

/** The hosts on the way, the first one first. */
function jumpsTo(host: Host): string[] {
  const { user, address, port, jump } = host
  const place = address.includes(':') ? `[${address}]` : address
  return [...(jump === undefined ? [] : jumpsTo(jump)), `${user}@${place}:${port}`]
}
