import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import fc from 'fast-check'
import { $ } from 'zx'
import type { Host } from '../../../engine/inventory.ts'
import { inventoryFile } from '../../../inventory/ansible/inventory-file.ts'
import { projectFolder } from '../../support/cli.ts'
import { draw, saySeed } from './drawing.ts'
import { program } from './listing.ts'

const user = fc.constantFrom('deploy', 'admin', 'ops')
const port = fc.constantFrom('2201', '2202', '2203')
/** Files that there are everywhere: ssh drops others. They are only named, and never read. */
const keys = ['/etc/passwd', '/etc/group']
const key = fc.constantFrom(...keys)
const jump = fc.constantFrom('j@203.0.113.5:2222', '203.0.113.6', 'k@203.0.113.7,l@203.0.113.8:24')
const argument = fc.oneof(
  user.map((name) => `-l ${name}`),
  user.map((name) => `-o User=${name}`),
  port.map((number) => `-p ${number}`),
  port.map((number) => `-oPort=${number}`),
  key.map((file) => `-i ${file}`),
  key.map((file) => `-o IdentityFile=${file}`),
  jump.map((hosts) => `-J ${hosts}`),
  jump.map((hosts) => `-o ProxyJump=${hosts}`),
  fc.constantFrom('-C', '-o ControlMaster=no', '-o StrictHostKeyChecking=no -q'),
)
const args = fc.array(argument, { maxLength: 3 }).map((all) => all.join(' '))

const variables = fc.record(
  {
    ansible_user: user,
    ansible_ssh_user: user,
    ansible_port: port,
    ansible_ssh_port: port,
    ansible_ssh_private_key_file: key,
    ansible_private_key_file: key,
    ansible_ssh_args: args,
    ansible_ssh_common_args: args,
    ansible_ssh_extra_args: args,
    ssh_common_args: args,
    ssh_extra_args: args,
  },
  { requiredKeys: [] },
)
const settings = fc.record(
  {
    defaults: fc.record(
      { remote_user: user, remote_port: port, private_key_file: key },
      { requiredKeys: [] },
    ),
    ssh_connection: fc.record(
      { ssh_args: args, ssh_common_args: args, ssh_extra_args: args },
      { requiredKeys: [] },
    ),
  },
  { requiredKeys: [] },
)

const section = ([name, entries]: [string, object]) =>
  [`[${name}]`, ...Object.entries(entries).map(([each, value]) => `${each} = ${value}`)].join('\n')

interface Reached {
  user: string
  port: string
  keys: string[]
  jump: string
}

/** How ssh would go there with what Ansible calls it with, by address. */
async function reachedByAnsible(folder: string): Promise<Map<string, Reached>> {
  const calls = join(folder, 'calls')
  mkdirSync(calls)
  const standIn = join(folder, 'ssh')
  writeFileSync(standIn, `#!/bin/sh\nprintf '%s\\0' "$@" > ${calls}/$$\nexit 255\n`)
  chmodSync(standIn, 0o755)
  const environment = { ...process.env, ANSIBLE_SSH_EXECUTABLE: standIn, LC_ALL: 'C.UTF-8' }
  const run = $({ quiet: true, cwd: folder, nothrow: true, env: { ...environment, ANSIBLE_FORKS: '4' } })
  await run`${join(dirname(program), 'ansible')} all --inventory hosts.json --module-name raw --args true`
  const found = new Map<string, Reached>()
  for (const file of readdirSync(calls)) {
    const words = readFileSync(join(calls, file), 'utf8').split('\0').slice(0, -1)
    const address = words.at(-2) ?? ''
    // Ansible asks first what its ssh can do.
    if (!address.startsWith('10.')) continue
    const { stdout, exitCode } = await $({
      quiet: true,
      nothrow: true,
    })`ssh -G -F /dev/null ${words.slice(0, -1)}`
    // It takes only one -J.
    if (exitCode !== 0) continue
    const said = (name: string) =>
      stdout
        .split('\n')
        .filter((line) => line.startsWith(`${name} `))
        .map((line) => line.slice(name.length + 1))
    found.set(address, {
      user: said('user')[0] ?? '',
      port: said('port')[0] ?? '',
      keys: said('identityfile').filter((each) => keys.includes(each)),
      jump: (said('proxyjump')[0] ?? '').replaceAll(/[[\]]/g, ''),
    })
  }
  return found
}

/** The jumps as ssh writes them, the first one first. */
function jumpsTo({ jump }: Host): string {
  if (jump === undefined) return ''
  const before = jumpsTo(jump)
  const login = jump.user === 'root' ? '' : `${jump.user}@`
  return `${before}${before && ','}${login}${jump.address}${jump.port === 22 ? '' : `:${jump.port}`}`
}

async function compare(t: ExecutionContext, configuration: object, hosts: object[]) {
  saySeed(t)
  const folder = projectFolder(t, {
    'ansible.cfg': `${Object.entries(configuration).map(section).join('\n')}\n`,
    'hosts.json': JSON.stringify({
      all: {
        hosts: Object.fromEntries(
          hosts.map((own, index) => [`vm${index}`, { ansible_host: `10.0.1.${index + 10}`, ...own }]),
        ),
      },
    }),
  })
  const { ANSIBLE_CONFIG: _, ...environment } = process.env
  const ours = await inventoryFile(join(folder, 'hosts.json'), { environment, folder }).load({
    projectDirectory: folder,
    create: false,
    progress: () => {},
  })
  const theirs = await reachedByAnsible(folder)

  t.true(theirs.size > hosts.length / 2)
  for (const host of ours.hosts) {
    const found = theirs.get(host.address)
    if (found === undefined) continue
    const { keys, ...expected } = found
    const place = JSON.stringify({ configuration, host: hosts[Number(host.name.slice(2))] })
    t.deepEqual({ user: host.user, port: String(host.port), jump: jumpsTo(host) }, expected, place)
    t.is(host.identityFile === undefined, keys.length === 0, place)
    if (host.identityFile !== undefined) t.true(keys.includes(host.identityFile), place)
  }
}

for (const [index, configuration] of draw(settings, 4).entries()) {
  test.serial(`with ansible.cfg number ${index} hosts are reached as Ansible has ssh reach them`, (t) =>
    compare(t, configuration, draw(variables, 20, index)),
  )
}
