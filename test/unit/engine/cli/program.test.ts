import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import type { Command } from 'commander'
import { createProgram } from '../../../../engine/cli/program.ts'
import { project } from '../../../../project.ts'
import { projectFolder, sluice, startSluice, withoutNetwork } from '../../../support/cli.ts'
import { documentsIn } from '../../../support/json-documents.ts'

const inventory = (hosts: string) => `
groups: { kafka: }
policy: { admin: [127.0.0.1], rules: [] }
hosts:
${hosts}
`
/** A port that nothing listens on, by a key that is there. */
const deaf = inventory('  vm1: { address: 127.0.0.1, port: 9, groups: [kafka], identityFile: key }')

function folderWithKey(t: ExecutionContext, hosts: string): string {
  const folder = projectFolder(t, { 'hosts.yaml': hosts })
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(folder, 'key')])
  return folder
}

/** A project whose one host takes connections and never says a word, until it hangs up. */
async function projectWithSilentHost(t: ExecutionContext): Promise<{ folder: string; hangUp(): void }> {
  const sockets = new Set<Socket>()
  let hasHungUp = false
  const server = createServer((socket) => {
    sockets.add(socket)
    if (hasHungUp) socket.destroy()
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const hangUp = () => {
    hasHungUp = true
    for (const socket of sockets) socket.destroy()
  }
  t.teardown(() => {
    hangUp()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return { folder: folderWithKey(t, deaf.replace('port: 9', `port: ${port}`)), hangUp }
}

test('--help names every command, with examples and exit codes', async (t) => {
  const { exitCode, stdout } = await sluice(projectFolder(t), ['--help'])

  t.is(exitCode, 0)
  for (const name of createProgram(project, async () => {}).commands.map((each) => each.name())) {
    t.regex(stdout, new RegExp(`^  ${name} `, 'm'))
  }
  t.regex(stdout, /Examples:\n {2}\$ sluice provision/)
  t.regex(stdout, /Exit codes: 0 .*\n64 /)
})

/** A command and all below it, each with the words that call it. */
function commandsIn(command: Command, words: string[] = []): { command: Command; words: string[] }[] {
  const below = command.commands.flatMap((each) => commandsIn(each, [...words, each.name()]))
  return [{ command, words }, ...below]
}

test('every command, and every command below it, has a help of its own with examples that can be typed', async (t) => {
  const program = createProgram(project, async () => {})
  const all = commandsIn(program)
  t.true(all.length > 25, String(all.length))
  for (const { command, words } of all) {
    let help = ''
    command.configureOutput({
      writeOut: (text) => {
        help += text
      },
    })
    command.outputHelp()
    const [, examples = ''] = help.split('\nExamples:\n')
    const typed = [...examples.matchAll(/^ {2}\$ (?:npm run )?sluice (?:-- )?(.*)$/gm)].map(
      ([, line = '']) => line,
    )
    t.true(typed.length > 0, words.join(' '))
    for (const line of typed) {
      const known = all.some(
        ({ words: named }) => named.length > 0 && `${line} `.startsWith(`${named.join(' ')} `),
      )
      t.true(known, line)
    }
    t.true(
      typed.some((line) => `${line} `.startsWith(`${words.join(' ')}${words.length > 0 ? ' ' : ''}`)),
      help,
    )
  }
})

test('docs/json.md says of every command that has --json what it prints', (t) => {
  const page = readFileSync(join(import.meta.dirname, '../../../../docs/json.md'), 'utf8')
  const [overview = ''] = page.split('\n## ')
  const [, ...rows] = [...overview.matchAll(/^\| ([a-z0-9 ,-]+) \| .*$/gm)].map(
    ([, commands = '']) => commands,
  )
  const documented = rows.flatMap((commands) => {
    const [first = '', ...others] = commands.split(', ')
    const parent = first.split(' ').slice(0, -1)
    return [first, ...others.map((name) => [...parent, name].join(' '))]
  })
  const printing = commandsIn(createProgram(project, async () => {}))
    .filter(({ command }) => command.options.some(({ long }) => long === '--json'))
    .map(({ words }) => words.join(' '))

  t.deepEqual(documented.sort(), printing.sort())
})

for (const [title, words, subject] of [
  ['an unknown command', ['provsion'], /unknown command 'provsion'[\s\S]*why {2}Did you mean provision\?/],
  [
    'an unknown option',
    ['provision', '--chek'],
    /unknown option '--chek'[\s\S]*why {2}Did you mean --check\?/,
  ],
  ['a number that is none', ['provision', '--forks', 'many'], /--forks[\s\S]*whole number from 1 to 1000/],
  [
    'a role that is not in the playbook',
    ['harden', '--tags', 'base,kafak'],
    /harden has no role "kafak"[\s\S]*its roles: base/,
  ],
  ['a variable without a value', ['provision', '--var', 'heap'], /role\.parameter=value, got "heap"/],
  ['an unknown inventory', ['provision', '-i', 'labb'], /no inventory is called "labb"[\s\S]*there are: lab/],
  [
    'a range of Ansible in --limit',
    ['provision', '--limit', 'vm[1:3]'],
    /--limit "vm\[1:3\]" has the range or set \[1:3\], which Ansible knows and Sluice does not/,
  ],
  [
    'a regular expression of Ansible in --limit',
    ['firewall', 'diff', '-l', 'kafka,!~vm[12]$|x'],
    /which Ansible knows and Sluice does not[\s\S]*--limit "vm\*"/,
  ],
  [
    'a regular expression without brackets in --limit',
    ['drift', '-l', 'kafka,!~vm.'],
    /has the regular expression !~vm\./,
  ],
  [
    'an inventory without a name',
    ['provision', '-i', ''],
    /the inventory has no name[\s\S]*the command line[\s\S]*--inventory \./,
  ],
  ['a lab of more hosts than there can be', ['lab', 'up', '100'], /whole number from 1 to 99/],
  ['lab ssh without a host', ['lab', 'ssh'], /none is named[\s\S]*do {3}sluice lab up$/m],
  ['destroy without a terminal', ['destroy'], /no terminal to ask on[\s\S]*add --yes/],
] as const) {
  test(`${title} is misuse: exit code 64 and what to do`, async (t) => {
    const { exitCode, stdout, stderr } = await sluice(projectFolder(t), [...words])

    t.is(exitCode, 64, stderr)
    t.is(stdout, '')
    t.regex(stderr, /^(USAGE|INVENTORY_UNKNOWN) {2}/)
    t.regex(stderr, subject)
    t.regex(stderr, /\n {2}do {3}/)
  })
}

test('no command at all shows the help and is misuse', async (t) => {
  const { exitCode, stderr } = await sluice(projectFolder(t), [])

  t.is(exitCode, 64)
  t.regex(stderr, /Usage: sluice/)
})

test('a malformed configuration is named with file and place', async (t) => {
  const folder = projectFolder(t, { 'sluice.config.json': '{"forks": "many"}' })

  const { exitCode, stderr } = await sluice(folder, ['inventory', 'list'])

  t.is(exitCode, 64)
  t.regex(stderr, /^USAGE {2}forks should be number, got "many"\n {2}at {3}.*sluice\.config\.json\n/)
})

test('the inventory is the typed one, else the configured, else SLUICE_INVENTORY, else lab', async (t) => {
  const bare = projectFolder(t)
  const configured = projectFolder(t, { 'sluice.config.json': '{"inventory": "hosts.yaml"}' })
  const list = async (folder: string, environment = {}) =>
    (await sluice(folder, ['inventory', 'list'], environment)).stdout.split('\n').at(-2)

  t.regex((await list(bare)) ?? '', /the default says lab$/)
  t.regex((await list(bare, { SLUICE_INVENTORY: 'mine' })) ?? '', /SLUICE_INVENTORY says mine$/)
  t.regex(
    (await list(configured, { SLUICE_INVENTORY: 'mine' })) ?? '',
    /sluice\.config\.json says hosts\.yaml$/,
  )
})

test('an inventory file is shown with its hosts and who may reach what', async (t) => {
  const folder = projectFolder(t, {
    'hosts.yaml': inventory('  vm1: { address: 10.0.1.10, groups: [kafka] }'),
  })

  const { exitCode, stdout } = await sluice(folder, ['inventory', 'show', '-i', 'hosts.yaml'])

  t.is(exitCode, 0)
  t.regex(stdout, /^vm1 +root@10\.0\.1\.10 +10\.0\.1\.10 +kafka$/m)
})

test('an unknown host in --limit is misuse that names the hosts', async (t) => {
  const folder = projectFolder(t, { 'hosts.yaml': deaf })

  const { exitCode, stderr } = await sluice(folder, ['provision', '-i', 'hosts.yaml', '--limit', 'vm9'])

  t.is(exitCode, 64)
  t.regex(stderr, /^HOSTS_UNKNOWN {2}"vm9" .*\n {2}why {2}its hosts: vm1/)
})

test('a host that does not answer fails the run: exit code 1, a recap and its error', async (t) => {
  const folder = folderWithKey(t, deaf)

  const { exitCode, stdout, stderr } = await sluice(folder, ['harden', '-i', 'hosts.yaml'])

  t.is(exitCode, 1)
  t.regex(stdout, /^✖ vm1 .*failed 1/m)
  t.regex(stdout, /1 of 1 host did not get to the end: vm1; nothing was changed/)
  t.regex(stderr, /^\d\d:\d\d:\d\d vm1 +connects to 127\.0\.0\.1:9$/m)
  t.regex(stderr, /^HOST_UNREACHABLE {2}127\.0\.0\.1:9 .*\n {2}at {3}vm1\n/m)
  t.false(stdout.includes('\u001b'), 'no colours where there is no terminal')
})

test('with --json every line of standard output is a document of the schema', async (t) => {
  const folder = folderWithKey(t, deaf)

  const { exitCode, stdout } = await sluice(folder, ['harden', '-i', 'hosts.yaml', '--json'])

  const documents = documentsIn(stdout)
  t.is(exitCode, 1)
  t.deepEqual(
    documents.map(({ type }) => type),
    ['run-started', 'host-connecting', 'host-ended', 'run-ended'],
  )
})

test('with --json a command that cannot begin ends with an error document', async (t) => {
  const { exitCode, stdout } = await sluice(projectFolder(t), ['provision', '-i', 'nowhere', '--json'])

  const [document] = documentsIn(stdout)
  t.is(exitCode, 64)
  t.is(document?.type === 'error' && document.error.code, 'INVENTORY_UNKNOWN')
})

test('a variable of no role is misuse before any host is touched', async (t) => {
  const folder = projectFolder(t, { 'hosts.yaml': deaf })

  const { exitCode, stderr } = await sluice(folder, ['harden', '-i', 'hosts.yaml', '--var', 'kafak.port=1'])

  t.is(exitCode, 64)
  t.regex(stderr, /^VARIABLE_INVALID {2}the variable "kafak" belongs to no role/m)
  t.false(stderr.includes('connects'))
})

test('a variable of a role that this playbook does not have is no mistake', async (t) => {
  const folder = projectFolder(t, { 'hosts.yaml': deaf })

  const { stderr } = await sluice(folder, ['harden', '-i', 'hosts.yaml', '--var', 'kafka.heapMb=512'])

  t.true(stderr.includes('connects'))
})

test('Ctrl-C says that the step in hand is finished, and ends with the recap and exit code 130', async (t) => {
  const { folder, hangUp } = await projectWithSilentHost(t)
  const run = startSluice(folder, ['harden', '-i', 'hosts.yaml', '--timeout', '600'])
  await run.said('connects to')
  run.interrupt()
  await run.said('Stopping')
  hangUp()

  const { exitCode, stdout, stderr } = await run.ended

  t.is(exitCode, 130)
  t.regex(stderr, /Stopping: what is in hand is being finished/)
  t.regex(stdout, /^Stopped: nothing was changed\. Run again/m)
})

test('a second Ctrl-C ends at once', async (t) => {
  const { folder } = await projectWithSilentHost(t)
  const run = startSluice(folder, ['harden', '-i', 'hosts.yaml', '--timeout', '600'])
  await run.said('connects to')
  run.interrupt()
  await run.said('Stopping')
  run.interrupt()

  const { exitCode } = await run.ended

  t.is(exitCode, 130)
})

test('doctor names a host that does not let it in, says what to do, and ends with 1', async (t) => {
  const { exitCode, stdout } = await sluice(
    folderWithKey(t, deaf),
    ['doctor', '-i', 'hosts.yaml'],
    withoutNetwork,
  )

  t.is(exitCode, 1)
  t.regex(stdout, /^ok +node +24\./m)
  t.regex(stdout, /^problem +vm1 +HOST_UNREACHABLE .*\n.*\n +do: check/m)
})

test('every command names a host that does not let it in', async (t) => {
  const folder = folderWithKey(t, deaf)

  const letters = await sluice(folder, ['dlq', 'list', '-i', 'hosts.yaml'])
  const firewall = await sluice(folder, ['firewall', 'diff', '-i', 'hosts.yaml', '--json'])

  t.regex(letters.stderr, /^ {2}at {3}vm1$/m)
  t.like(documentsIn(firewall.stdout)[0], { type: 'firewall-host', error: { at: 'vm1' } })
})

test('a plan is kept only by a check, and carried out only whole', async (t) => {
  const folder = projectFolder(t)

  const withoutCheck = await sluice(folder, ['provision', '--out', 'plan.json'])
  const limited = await sluice(folder, ['provision', '--plan', 'plan.json', '--limit', 'vm1'])
  const missing = await sluice(folder, ['harden', '--plan', 'plan.json'])

  t.deepEqual([withoutCheck.exitCode, limited.exitCode, missing.exitCode], [64, 64, 64])
  t.regex(withoutCheck.stderr, /--out writes the plan of a check/)
  t.regex(limited.stderr, /'--plan <file>' cannot be used with option '-l, --limit/)
  t.regex(missing.stderr, /the plan cannot be read[\s\S]*plan\.json/)
})
