import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { sh } from '../../engine/shell.ts'
import { sshCommand } from '../../inventory/lab/known-hosts.ts'
import { hostPaths } from '../../inventory/lab/names.ts'
import { sluice } from '../support/cli.ts'
import { documentsOf } from '../support/json-documents.ts'
import { ask, isRoot, needsRoot, useLab } from '../support/lab-hosts.ts'

// Multipass itself is a snap and cannot be had here. A lab host stands in for its instance, and a script for its
// program; what cloud-init makes of our user data there, and every login, is real.
const withLab = isRoot ? test.serial : test.serial.skip
const lab = isRoot ? useLab(test, 'multipass', 1) : undefined
if (!isRoot) console.error(`test/integration/multipass.test.ts: ${needsRoot}`)

const folder = mkdtempSync(join(tmpdir(), 'sluice-multipass-lab-'))
test.after.always(() => rmSync(folder, { recursive: true }))
const environment = { PATH: `${folder}${delimiter}${process.env.PATH}` }

const settings = { prefix: 'trial', user: 'keeper', hosts: { vm1: { role: 'kafka' } } }
let project = ''

/**
 * Runs cloud-init as the first start of an instance does, with the user data that the program is given. Its modules for
 * disks and the like fail in a container, which is why its exit code says nothing here: the login does.
 */
const firstStart = `set -e
cat > /var/lib/cloud/seed/nocloud/user-data
cloud-init schema --config-file /var/lib/cloud/seed/nocloud/user-data
cloud-init init --local
cloud-init init || :
systemctl restart ssh
`

function standIn(login: string[], address: string, root: string): string {
  return `#!${process.execPath}
const { spawnSync } = require('node:child_process')
const { existsSync, readFileSync, rmSync, writeFileSync } = require('node:fs')
const [command, ...words] = process.argv.slice(2)
const there = ${JSON.stringify(join(folder, 'there'))}
const [program, ...login] = ${JSON.stringify(login)}
if (command === 'list') {
  const list = existsSync(there) ? [{ name: readFileSync(there, 'utf8'), state: 'Running', ipv4: ['${address}'] }] : []
  process.stdout.write(JSON.stringify({ list }))
} else if (command === 'launch') {
  const script = ${JSON.stringify(firstStart)}
  const { status, stderr, stdout } = spawnSync(program, [...login, 'sudo', 'sh', '-c', "'" + script + "'"], { input: readFileSync(0), encoding: 'utf8' })
  if (status !== 0) { process.stderr.write(stdout + stderr); process.exit(2) }
  writeFileSync(there, words[words.indexOf('-n') + 1])
} else if (command === 'exec') {
  process.stdout.write(readFileSync(${JSON.stringify(root)} + words.at(-1)))
} else {
  rmSync(there)
}
`
}

/** Brings a host to where the image of an instance is, and makes the program that answers for it. */
async function prepare(): Promise<void> {
  if (lab === undefined) return
  const { inventory, connect, settings: labSettings } = lab()
  const [host] = inventory.hosts
  if (host === undefined) throw new TypeError('the lab has a host')
  const connection = await connect(host)
  await ask(
    connection,
    sh`apt-get update -q >/dev/null
      DEBIAN_FRONTEND=noninteractive apt-get install -q --yes --no-install-recommends cloud-init >/dev/null 2>&1
      mkdir -p /var/lib/cloud/seed/nocloud
      echo 'instance-id: trial' > /var/lib/cloud/seed/nocloud/meta-data
      printf '%s\\n' 'datasource_list: [NoCloud]' 'network: { config: disabled }' > /etc/cloud/cloud.cfg.d/99-trial.cfg`,
  )
  connection.close()
  const login = await sshCommand(labSettings, host.name)
  const program = join(folder, 'multipass')
  writeFileSync(program, standIn(login, host.address, hostPaths(labSettings, host.name).merged))
  chmodSync(program, 0o755)
}

function run(t: ExecutionContext, ...words: string[]) {
  t.timeout(600_000)
  return sluice(project, [...words, '-i', 'multipass'], environment)
}

withLab(
  'up makes an account by cloud-init, and we log in to it with a key that was pinned before',
  async (t) => {
    project = mkdtempSync(join(tmpdir(), 'sluice-cli-'))
    writeFileSync(join(project, 'sluice.config.json'), JSON.stringify({ multipass: settings }))
    t.timeout(600_000)
    await prepare()

    const { exitCode, stdout, stderr } = await run(t, 'up', '--wait', '60')

    t.is(exitCode, 0, stdout + stderr)
    t.regex(stdout, /Up: vm1 let us in by SSH/)
    const { hostKeys } = JSON.parse(readFileSync(join(project, '.sluice/multipass/vm1.json'), 'utf8'))
    t.regex(hostKeys[0], /^ssh-ed25519 /)
  },
)

withLab(
  'the account is root by sudo without a password, and the policy admits this machine as the host sees it',
  async (t) => {
    const network = lab?.().inventory.hosts[0]?.address.replace(/\.\d+$/, '')

    const hardened = await run(t, 'harden', '--tags', 'firewall')
    const shown = await run(t, 'inventory', 'show', '--json')

    t.is(hardened.exitCode, 0, hardened.stdout + hardened.stderr)
    t.deepEqual(documentsOf(shown.stdout, 'inventory')[0]?.policy.admin, [`${network}.1/32`])
    t.regex((await run(t, 'doctor')).stdout, /ok +vm1 +keeper@\S+: debian/)
  },
)

withLab('a host that shows another key than the one that was pinned is not logged in to', async (t) => {
  const record = join(project, '.sluice/multipass/vm1.json')
  const kept = readFileSync(record, 'utf8')
  const [, base64 = ''] = JSON.parse(kept).hostKeys[0].split(' ')
  const other = Buffer.from(base64, 'base64')
  other[other.length - 1] = (other.at(-1) ?? 0) ^ 1
  writeFileSync(record, kept.replace(base64, other.toString('base64')))

  const { exitCode, stdout, stderr } = await run(t, 'harden', '--check')
  writeFileSync(record, kept)

  t.is(exitCode, 1)
  t.regex(stdout + stderr, /HOST_KEY_CHANGED/)
})

withLab('destroy takes the instance and what was kept of it away', async (t) => {
  const { exitCode, stdout, stderr } = await run(t, 'destroy', '--yes')

  t.is(exitCode, 0, stdout + stderr)
  t.regex(stdout, /All of it is gone/)
  t.throws(() => readFileSync(join(project, '.sluice/multipass/id_ed25519')), { code: 'ENOENT' })
  rmSync(project, { recursive: true })
})
