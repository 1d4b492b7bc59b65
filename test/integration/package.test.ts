import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import test from 'ava'
import { $ } from 'zx'
import type { Host } from '../../engine/inventory.ts'
import { sh } from '../../engine/shell.ts'
import { ask, isRoot, needsRoot, useLab } from '../support/lab-hosts.ts'

const project = resolve(import.meta.dirname, '../..')
const folder = mkdtempSync(join(tmpdir(), 'sluice-package-'))

/** Someone else's folder: the example of the documentation, with Sluice installed as a package. */
const inFolder = $({ cwd: folder, quiet: true, nothrow: true })

test.before(async (t) => {
  t.timeout(600_000)
  cpSync(join(project, 'docs/example'), folder, { recursive: true })
  writeClock()
  await $({ cwd: project, quiet: true })`npm pack --pack-destination ${folder}`
  const packed = readdirSync(folder).filter((name) => name.endsWith('.tgz'))
  await $({ cwd: folder, quiet: true })`npm install --no-audit --no-fund ${packed.map((name) => `./${name}`)}`
})

test.after.always(() => rmSync(folder, { recursive: true }))

/** A role that has a program of its own, which comes from a mirror. */
function writeClock(): void {
  const mirror = join(folder, 'mirror')
  mkdirSync(join(mirror, 'clock-1.2.0/bin'), { recursive: true })
  writeFileSync(join(mirror, 'clock-1.2.0/bin/clock'), '#!/bin/sh\nexec date\n')
  execFileSync('tar', ['-czf', 'clock-1.2.0.tar.gz', 'clock-1.2.0'], { cwd: mirror })
  const hex = createHash('sha256')
    .update(readFileSync(join(mirror, 'clock-1.2.0.tar.gz')))
    .digest('hex')
  writeFileSync(
    join(folder, 'clock.ts'),
    `import { type Artifact, main, playbook, project, publishedArchive, release, role, v } from 'sluice'

const artifact: Artifact = {
  name: 'clock',
  version: '1.2.0',
  sources: [
    publishedArchive({
      url: 'https://clock.invalid/clock-1.2.0.tar.gz',
      checksum: { algorithm: 'sha256', hex: '${hex}' },
      version: '1.2.0',
      architecture: 'all',
      place: (path) => path,
    }),
  ],
}

const clock = role({
  name: 'clock',
  description: 'tells the time',
  params: v.strictObject({}),
  resources: () => [release({ name: 'clock', artifact })],
})

const clocks = playbook({
  name: 'clocks',
  summary: 'a clock on every host',
  plays: [{ name: 'clocks', hosts: 'all', roles: [clock] }],
})

const command = { name: 'clocks', summary: clocks.summary, examples: [], createsHosts: false, load: async () => clocks }
process.exitCode = await main(process.argv.slice(2), { ...project, playbooks: [...project.playbooks, command] }, process)
`,
  )
}

const types = () =>
  inFolder`${join(project, 'node_modules/.bin/tsc')} --noEmit --strict --skipLibCheck --target esnext --module nodenext --allowImportingTsExtensions --types node --typeRoots ${join(project, 'node_modules/@types')} site.ts clock.ts`

test('the package brings the program, which needs nothing of the sources', async (t) => {
  const { exitCode, stdout } = await inFolder`npx sluice --help`

  t.is(exitCode, 0)
  t.regex(stdout, /^Usage: sluice \[options\] \[command\]/)
})

test.serial('a role that is wrong does not compile, and one that is right does', async (t) => {
  t.timeout(600_000)
  const right = await types()
  writeFileSync(
    join(folder, 'roles/wrong.ts'),
    `import { directory, role, v } from 'sluice'
export const wrong = role({
  name: 'wrong',
  description: 'says modes as numbers, and uses what it does not declare',
  params: v.strictObject({ path: v.string() }),
  resources: ({ path, owner }) => [directory({ path, mode: 755 })],
})
`,
  )
  writeFileSync(join(folder, 'site.ts'), `import './roles/wrong.ts'\n`, { flag: 'a' })

  const wrong = await types()
  cpSync(join(project, 'docs/example/site.ts'), join(folder, 'site.ts'))

  t.is(right.stdout, '')
  t.is(right.exitCode, 0)
  t.regex(wrong.stdout, /roles\/wrong\.ts\(6,\d+\): error TS\d+: Property 'owner' does not exist/)
  t.regex(
    wrong.stdout,
    /roles\/wrong\.ts\(6,\d+\): error TS\d+: Type 'number' is not assignable to type 'string'/,
  )
})

if (isRoot) {
  const lab = useLab(test, 'package', 1)

  /** An inventory of the lab's one host, in a group of no role. */
  function writeInventory(variables: object): Host {
    const [host] = lab().inventory.hosts
    if (host === undefined) throw new TypeError('the lab has a host')
    const { name, address, user, identityFile, hostKeys } = host
    const groups = Object.fromEntries(
      ['kafka', 'mongodb', 'processor', 'producers'].map((each) => [each, {}]),
    )
    const hosts = { [name]: { address, user, identityFile, hostKeys, groups: [] } }
    const { policy } = lab().inventory
    writeFileSync(join(folder, 'hosts.json'), JSON.stringify({ policy, variables, groups, hosts }))
    return host
  }

  test.serial('the role of the example converges a host as the roles of Sluice do', async (t) => {
    t.timeout(600_000)
    const host = writeInventory({ noticeBoard: { notices: ['closed on Mondays'] } })
    const boards = (...words: string[]) => inFolder`npx node site.ts boards --inventory hosts.json ${words}`

    const checked = await boards('--check')
    const first = await boards()
    const second = await boards()
    const moved = await boards('--var', 'noticeBoard.port=8091')
    const connection = await lab().connect(host)
    const served = await ask(
      connection,
      sh`python3 -c 'import urllib.request; print(urllib.request.urlopen("http://127.0.0.1:8091").read().decode())'`,
    )
    connection.close()

    t.is(checked.exitCode, 2, checked.stderr)
    t.is(first.exitCode, 0, first.stderr)
    t.regex(second.stdout, /Nothing changed on any host: all 7 resources are as declared/)
    t.regex(moved.stdout, /2 resources changed on 1 host/, moved.stdout)
    t.regex(served, /<h1>vm1<\/h1>\n<p>closed on Mondays<\/p>/)
  })

  test.serial('a program of a role of its own comes from a mirror and runs on the host', async (t) => {
    t.timeout(600_000)
    const host = writeInventory({})
    const mirror = join(folder, 'mirror')
    const clocks = () => inFolder`npx node clock.ts clocks --inventory hosts.json --artifact-mirror ${mirror}`

    const first = await clocks()
    const second = await clocks()
    const connection = await lab().connect(host)
    const said = await ask(connection, sh`/opt/sluice/clock/current/bin/clock`)
    connection.close()

    t.is(first.exitCode, 0, first.stdout + first.stderr)
    t.regex(second.stdout, /Nothing changed on any host/)
    t.regex(said, /\d\d:\d\d:\d\d/)
  })
} else {
  test.skip(needsRoot, (t) => t.pass())
}
