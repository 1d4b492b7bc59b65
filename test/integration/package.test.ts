import { cpSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import test from 'ava'
import { $ } from 'zx'
import { sh } from '../../engine/shell.ts'
import { ask, isRoot, needsRoot, useLab } from '../support/lab-hosts.ts'

const project = resolve(import.meta.dirname, '../..')
const folder = mkdtempSync(join(tmpdir(), 'sluice-package-'))

/** Someone else's folder: the example of the documentation, with Sluice installed as a package. */
const inFolder = $({ cwd: folder, quiet: true, nothrow: true })

test.before(async (t) => {
  t.timeout(240_000)
  cpSync(join(project, 'docs/example'), folder, { recursive: true })
  await $({ cwd: project, quiet: true })`npm pack --pack-destination ${folder}`
  const packed = readdirSync(folder).filter((name) => name.endsWith('.tgz'))
  await $({ cwd: folder, quiet: true })`npm install --no-audit --no-fund ${packed.map((name) => `./${name}`)}`
})

test.after.always(() => rmSync(folder, { recursive: true }))

const types = () =>
  inFolder`${join(project, 'node_modules/.bin/tsc')} --noEmit --strict --skipLibCheck --target esnext --module nodenext --allowImportingTsExtensions --types node --typeRoots ${join(project, 'node_modules/@types')} site.ts`

test('the package brings the program, which needs nothing of the sources', async (t) => {
  const { exitCode, stdout } = await inFolder`npx sluice --help`

  t.is(exitCode, 0)
  t.regex(stdout, /^Usage: sluice \[options\] \[command\]/)
})

test.serial('a role that is wrong does not compile, and one that is right does', async (t) => {
  t.timeout(120_000)
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

  test.serial('the role of the example converges a host as the roles of Sluice do', async (t) => {
    t.timeout(120_000)
    const [host] = lab().inventory.hosts
    if (host === undefined) throw new TypeError('the lab has a host')
    const { name, address, user, identityFile, hostKeys } = host
    const groups = Object.fromEntries(
      ['kafka', 'mongodb', 'processor', 'producers'].map((each) => [each, {}]),
    )
    const hosts = { [name]: { address, user, identityFile, hostKeys, groups: [] } }
    const variables = { noticeBoard: { notices: ['closed on Mondays'] } }
    writeFileSync(
      join(folder, 'hosts.json'),
      JSON.stringify({ policy: lab().inventory.policy, variables, groups, hosts }),
    )
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
} else {
  test.skip(needsRoot, (t) => t.pass())
}
