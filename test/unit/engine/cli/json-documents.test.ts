import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { JsonDocument } from '../../../../playbooks/json-document.ts'
import { projectFolder, sluice, withoutNetwork } from '../../../support/cli.ts'
import { documentsIn } from '../../../support/json-documents.ts'

/** The whole pipeline on a host that does not answer. */
const hosts = `
groups: { kafka: , mongodb: , processor: , producers: }
policy: { admin: [127.0.0.1], rules: [{ from: [admin], to: all, port: 22 }] }
hosts:
  vm1:
    address: 127.0.0.1
    port: 9
    groups: [kafka, mongodb, processor, producers]
    identityFile: key
    variables: { kafka: { heapMb: 512 } }
`

/** What AWS is not asked without. */
const noCredentials = {
  AWS_ACCESS_KEY_ID: '',
  AWS_SECRET_ACCESS_KEY: '',
  AWS_EC2_METADATA_DISABLED: 'true',
  AWS_CONFIG_FILE: '/dev/null',
  AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
  AWS_REGION: 'eu-central-1',
}

for (const [words, types] of [
  [['inventory', 'list'], ['inventory-listed']],
  [['inventory', 'show'], ['inventory']],
  [['inventory', 'graph'], ['inventory-edge']],
  [
    ['firewall', 'diff'],
    ['firewall-host', 'firewall-ended'],
  ],
  [['verify-e2e'], ['check-ended', 'verify-ended']],
  [['drift'], ['run-started', 'host-connecting', 'host-ended', 'run-ended']],
  [
    ['destroy', '--check'],
    ['run-started', 'host-connecting', 'host-ended', 'run-ended'],
  ],
  [['doctor'], ['doctor-finding']],
  [['lab', 'status'], ['lab-host']],
  [['cost'], ['cost']],
  [['capacity'], ['error']],
  [['dlq', 'list'], ['error']],
  [['dlq', 'show', '1:42'], ['error']],
  [['dlq', 'replay', '--yes'], ['error']],
  [['inventory', 'show', '-i', 'nowhere'], ['error']],
] as const) {
  test(`${words.join(' ')} --json prints documents of the schema, and nothing else`, async (t) => {
    const folder = projectFolder(t, {
      'hosts.yaml': hosts,
      ...(words[0] !== 'cost' && { 'sluice.config.json': '{"inventory": "hosts.yaml"}' }),
    })
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(folder, 'key')])

    const { stdout, stderr } = await sluice(folder, [...words, '--json'], {
      ...noCredentials,
      ...withoutNetwork,
    })

    t.deepEqual([...new Set(documentsIn(stdout).map(({ type }) => type))], [...types], stdout + stderr)
  })
}

test('an inventory of Ansible is shown as any other', async (t) => {
  const folder = projectFolder(t, { 'hosts.ini': '[kafka]\nvm1 ansible_host=127.0.0.1\n' })

  const { stdout, stderr } = await sluice(folder, ['inventory', 'show', '-i', 'hosts.ini', '--json'])

  t.deepEqual(
    documentsIn(stdout).map(({ type }) => type),
    ['inventory'],
    stderr,
  )
})

test('hosts that are not there yet are no trouble to doctor, but a mistyped one is', async (t) => {
  const folder = projectFolder(t, {
    'none.yaml': 'groups: {}\npolicy: { admin: [], rules: [] }\nhosts: {}\n',
  })
  const doctor = async (...words: string[]) => {
    const { stdout } = await sluice(folder, ['doctor', '-i', 'none.yaml', ...words, '--json'], {
      ...noCredentials,
      ...withoutNetwork,
    })
    return documentsIn(stdout)
      .filter((document) => document.type === 'doctor-finding')
      .find(({ subject }) => subject === 'inventory')
  }

  const notYet = await doctor()
  t.is(notYet?.state, 'ok')
  t.regex(notYet?.found ?? '', /none\.yaml has no hosts, so there is nothing to work on$/)
  t.like(await doctor('--limit', 'vm9'), { state: 'problem' })
})

for (const words of [['capacity'], ['dlq', 'list'], ['dlq', 'show', '1:42']]) {
  test(`${words.join(' ')} names the host that cannot be reached`, async (t) => {
    const folder = projectFolder(t, { 'hosts.yaml': hosts })
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(folder, 'key')])

    const { exitCode, stdout, stderr } = await sluice(folder, [...words, '-i', 'hosts.yaml', '--json'])

    const [document] = documentsIn(stdout)
    t.is(exitCode, 1)
    t.like(document?.type === 'error' && document.error, { code: 'HOST_UNREACHABLE', at: 'vm1' })
    t.regex(stderr, /^HOST_UNREACHABLE {2}.*\n {2}at {3}vm1$/m)
  })
}

test('log --json lists runs, and shows one of them as it was printed', async (t) => {
  const folder = projectFolder(t, { 'hosts.yaml': hosts })
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(folder, 'key')])
  const ran = await sluice(folder, ['harden', '-i', 'hosts.yaml', '--json'])

  const [listed, ...others] = documentsIn((await sluice(folder, ['log', '--json'])).stdout)
  const id = listed?.type === 'run-recorded' ? (listed.id ?? '') : ''
  const [header, ...shown] = documentsIn((await sluice(folder, ['log', id, '--json'])).stdout)

  t.deepEqual(others, [])
  t.is(listed?.type === 'run-recorded' && listed.result?.playbook, 'harden')
  t.is(header?.type, 'run-recorded')
  t.deepEqual(shown, documentsIn(ran.stdout))
})

test('docs/json.md has every document of the schema, and says which command prints it', (t) => {
  const page = readFileSync(join(import.meta.dirname, '../../../../docs/json.md'), 'utf8')
  for (const { entries } of JsonDocument.options) {
    const type = entries.type.literal
    t.regex(page, new RegExp(`^## ${type}$`, 'm'))
    t.regex(page, new RegExp(`^\\| [a-z].*\\[${type}\\]\\(#${type}\\)`, 'm'))
  }
})
