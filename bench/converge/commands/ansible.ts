import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { stringify } from 'yaml'
import type { ToolCommand } from '../measure.ts'
import type { Workspace } from '../workspace.ts'
import { sum } from './sluice.ts'

const playbook = join(import.meta.dirname, '..', 'ansible', 'site.yml')

/** ansible-playbook with pipelining, one fork a host, and with Mitogen's strategy where that is asked for. */
export async function ansibleCommand(
  { directory, targets, declaredFile, templateFile, knownHosts, python }: Workspace,
  { mitogen }: { mitogen: boolean },
): Promise<ToolCommand> {
  if (python === undefined) throw new TypeError('Ansible needs the virtual environment')
  const project = join(directory, mitogen ? 'mitogen' : 'ansible')
  await mkdir(project, { recursive: true })
  const strategy = mitogen
    ? `strategy_plugins = ${python.mitogenStrategies}\nstrategy = mitogen_linear\n`
    : ''
  const sshArguments = `-o ControlMaster=auto -o ControlPersist=60s -o UserKnownHostsFile=${knownHosts} -o GlobalKnownHostsFile=/dev/null -o IdentitiesOnly=yes`
  await writeFile(
    join(project, 'ansible.cfg'),
    `[defaults]\nforks = ${targets.length}\n${strategy}\n[ssh_connection]\npipelining = true\nssh_args = ${sshArguments}\n`,
  )
  const hosts = targets.map(({ name, address, port, user, identityFile }) => [
    name,
    {
      ansible_host: address,
      ansible_port: port,
      ansible_user: user,
      ansible_ssh_private_key_file: identityFile,
      ansible_python_interpreter: '/usr/bin/python3',
      declared_file: declaredFile,
      template_file: templateFile,
    },
  ])
  await writeFile(join(project, 'hosts.yml'), stringify({ all: { hosts: Object.fromEntries(hosts) } }))
  return {
    words: [join(python.commands, 'ansible-playbook'), '--inventory', 'hosts.yml', playbook],
    directory: project,
    environment: {
      ANSIBLE_CONFIG: join(project, 'ansible.cfg'),
      ANSIBLE_HOME: join(project, 'home'),
      PATH: `${python.commands}:${process.env.PATH}`,
    },
  }
}

/** How many tasks Ansible's recap says that it changed, on all hosts together. */
export function ansibleChanges(output: string): number {
  return sum(output.matchAll(/\bchanged=(\d+)/g))
}
