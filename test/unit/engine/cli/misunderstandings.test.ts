import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { projectFolder, sluice, startSluice } from '../../../support/cli.ts'

const inventory = ({ groups = 'kafka: ', variables = '{}', hosts = '' }) => `
groups: { ${groups} }
policy: { admin: [127.0.0.1], rules: [] }
variables: ${variables}
hosts: { ${hosts} }
`
const unknown = '{ kafak: { heapMb: 512 } }'
/** Nothing listens there. */
const vm1 = 'vm1: { address: 127.0.0.1, port: 1, groups: [kafka], identityFile: key }'
const files = {
  'hosts.yaml': inventory({ hosts: vm1 }),
  'none.yaml': inventory({}),
  'list.yaml': '- kafka\n',
}

function folderWithKey(t: ExecutionContext): string {
  const folder = projectFolder(t, files)
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(folder, 'key')])
  return folder
}

for (const words of [['provision'], ['drift'], ['destroy', '--yes'], ['firewall', 'diff'], ['verify-e2e']]) {
  test(`${words.join(' ')} of an inventory without hosts is no success`, async (t) => {
    const { exitCode, stdout, stderr } = await sluice(projectFolder(t, files), [...words, '-i', 'none.yaml'])

    t.is(exitCode, 64)
    t.is(stdout, '')
    t.regex(
      stderr,
      /^HOSTS_UNKNOWN {2}the inventory .*none\.yaml has no hosts, so there is nothing to work on$/m,
    )
  })
}

for (const [title, words, said] of [
  ['an empty --limit', ['--limit', ''], /^HOSTS_UNKNOWN {2}the pattern "" names no host$/m],
  [
    'a --limit of nothing but commas',
    ['--limit', ',:'],
    /^HOSTS_UNKNOWN {2}the pattern ",:" names no host$/m,
  ],
  ['an empty --tags', ['--tags', ''], /--tags[\s\S]*It should be a name/],
  ['an empty --skip-tags', ['--skip-tags', ' ,'], /--skip-tags[\s\S]*It should be a name/],
  [
    'a value that is no YAML',
    ['--var', 'kafka.heapMb=[1'],
    /^USAGE {2}the value of --var kafka\.heapMb is no YAML: \[1$[\s\S]*do {3}put what is to be text in quotes/m,
  ],
  [
    'a value that names what is not there',
    ['--var', 'kafka.heapMb=*x'],
    /^USAGE {2}the value of --var kafka\.heapMb is no YAML: \*x$/m,
  ],
  [
    'a vars file with a list',
    ['--vars-file', 'list.yaml'],
    /^USAGE {2}.*one mapping at its top, this one has a list$/m,
  ],
  [
    'a vars file that is not there',
    ['--vars-file', 'nowhere.yaml'],
    /^USAGE {2}cannot read the vars file .*nowhere\.yaml$[\s\S]*no such file[\s\S]*do {3}name a file that is there/m,
  ],
  [
    'a variable of a role that there is not',
    ['--var', 'kafak.heapMb=512'],
    /^VARIABLE_INVALID {2}the variable "kafak" belongs to no role$[\s\S]*at {3}a vars file or --var/m,
  ],
] as const) {
  test(`${title} is refused before any host is asked`, async (t) => {
    const folder = projectFolder(t, files)

    const { exitCode, stdout, stderr } = await sluice(folder, [
      'destroy',
      '--yes',
      '-i',
      'hosts.yaml',
      ...words,
    ])

    t.is(exitCode, 64, stderr)
    t.is(stdout, '')
    t.regex(stderr, said)
    t.notRegex(stderr, /connects|\bat .*\.ts:/)
  })
}

for (const [title, text, place] of [
  ['of all hosts', inventory({ variables: unknown, hosts: vm1 }), /hosts\.yaml$/m],
  [
    'of a group',
    inventory({ groups: `kafka: { variables: ${unknown} }`, hosts: vm1 }),
    /hosts\.yaml > kafka$/m,
  ],
  ['of a host', inventory({ hosts: vm1.replace(' }', `, variables: ${unknown} }`) }), /hosts\.yaml > vm1$/m],
] as const) {
  test(`a mistyped role in the variables ${title} is an error that says where it is`, async (t) => {
    const folder = projectFolder(t, { 'hosts.yaml': text, key: '' })

    const { exitCode, stderr } = await sluice(folder, ['provision', '-i', 'hosts.yaml', '--check'])

    t.is(exitCode, 64, stderr)
    t.regex(stderr, /^VARIABLE_INVALID {2}the variable "kafak" belongs to no role$/m)
    t.regex(stderr, place)
  })
}

test('drift --watch goes on looking after an answer that was none, and says both', async (t) => {
  const folder = folderWithKey(t)
  const file = join(folder, 'hosts.yaml')
  const watch = startSluice(folder, ['drift', '-i', 'hosts.yaml', '--watch', '1', '--json'])

  await watch.said('found:')
  writeFileSync(file, 'hosts: [')
  await watch.said('INVENTORY_INVALID')
  writeFileSync(file, inventory({ hosts: vm1.replace('vm1', 'vm9') }))
  // Said twice by now: for what was in the way, and for what is to be seen again.
  await watch.said('changed since the last look:\n', 2)
  watch.interrupt()
  const { exitCode, stdout, stderr } = await watch.ended

  t.is(exitCode, 130, stderr)
  t.regex(stdout, /"host":"vm1"[\s\S]*"host":"vm9"/)
})

test('drift --watch of what cannot be read in the first place ends', async (t) => {
  const { exitCode, stderr } = await sluice(projectFolder(t, files), [
    'drift',
    '-i',
    'none.yaml',
    '--watch',
    '1',
  ])

  t.is(exitCode, 64)
  t.regex(stderr, /^HOSTS_UNKNOWN/m)
})
