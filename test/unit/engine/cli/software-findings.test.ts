import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import type { Artifact } from '../../../../engine/artifacts/artifact.ts'
import { packedName } from '../../../../engine/artifacts/cache.ts'
import { mavenJars } from '../../../../engine/artifacts/maven-jars.ts'
import { publishedArchive } from '../../../../engine/artifacts/published-archive.ts'
import { pythonWheel } from '../../../../engine/artifacts/python-wheel.ts'
import { softwareFindings } from '../../../../engine/cli/software-findings.ts'

const folder = mkdtempSync(join(tmpdir(), 'sluice-software-'))
const path = process.env.PATH
test.after.always(() => rmSync(folder, { recursive: true }))
test.afterEach(() => {
  process.env.PATH = path
})

/** A machine with these programs, none of which is run. */
function withPrograms(...names: string[]): void {
  const programs = mkdtempSync(join(folder, 'bin-'))
  for (const name of names) symlinkSync('/bin/true', join(programs, name))
  process.env.PATH = programs
}

const archive = (port: number) => archiveAt(`http://127.0.0.1:${port}/broker-2.0.tar.gz`)
const archiveAt = (url: string) =>
  publishedArchive({
    url,
    checksum: { algorithm: 'sha256', hex: 'ab' },
    version: '2.0',
    architecture: 'all',
    place: (file) => file,
  })
const jars = mavenJars({
  dependencies: [{ coordinate: 'org.example:broker:1.9' }],
  manifest: new Map([['libs/broker.jar', 'cd']]),
  version: '1.9',
})
const wheel = pythonWheel({
  requirement: 'broker==1',
  sha256: 'ef',
  platform: 'any',
  member: 'broker',
  program: { path: 'bin/broker', sha256: '01' },
  version: '1.0',
  architecture: 'all',
})
const broker = (...sources: Artifact['sources']): Artifact => ({ name: 'broker', version: '2.0', sources })
const judge = (artifact: Artifact, mirror?: string) =>
  softwareFindings([artifact], { cacheDirectory: join(folder, 'cache'), mirror })

/** Port 9 is that of nobody. */
const closed = 9

test.serial(
  'every source that cannot be used is said with what is missing, and what to install',
  async (t) => {
    withPrograms('tar', 'gzip')

    t.deepEqual(await judge(broker(archive(closed), jars, wheel)), [
      {
        subject: 'source: broker',
        state: 'problem',
        found: `127.0.0.1:9: cannot be reached: ECONNREFUSED
Maven: mvn is not installed
PyPI broker==1: python3 is not installed`,
        advice:
          'install pip: apt-get install python3-pip; or install Maven: apt-get install maven; or name a mirror: --artifact-mirror',
      },
    ])
  },
)

test.serial('a source that can be used is named, with why it is not the first one', async (t) => {
  withPrograms('tar', 'gzip', 'mvn')

  t.deepEqual(await judge(broker(archive(closed), jars)), [
    {
      subject: 'source: broker',
      state: 'ok',
      found: '1.9, from Maven, not 2.0: 127.0.0.1:9: cannot be reached: ECONNREFUSED',
    },
  ])
})

test.serial('an archive is looked for by the proxy that a download goes by', async (t) => {
  const asked: string[] = []
  const proxy = createServer((socket) =>
    socket.once('data', (bytes) => {
      asked.push(`${bytes}`.split('\r\n')[0] ?? '')
      socket.end('HTTP/1.1 403 Forbidden\r\n\r\n')
    }),
  ).listen(0, '127.0.0.1')
  await new Promise((resolve) => proxy.on('listening', resolve))
  const { port } = proxy.address() as { port: number }
  withPrograms('tar', 'gzip')
  const through = async (protocol: string, proxyPort: number) => {
    process.env[`${protocol}_proxy`] = `http://127.0.0.1:${proxyPort}`
    const [finding] = await judge(broker(archiveAt(`${protocol}://there.invalid/broker-2.0.tar.gz`)))
    delete process.env[`${protocol}_proxy`]
    return finding?.found
  }

  const passed = await through('http', port)
  const refused = await through('https', port)
  const withoutProxy = await through('https', closed)
  proxy.close()

  t.deepEqual(asked, ['CONNECT there.invalid:443 HTTP/1.1'])
  t.is(passed, '2.0, from there.invalid')
  t.regex(refused ?? '', /^there\.invalid: cannot be reached: .*403/)
  t.is(withoutProxy, 'there.invalid: cannot be reached: ECONNREFUSED')
})

test.serial('a proxy that does not say a word is given up', async (t) => {
  const proxy = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => proxy.on('listening', resolve))
  const hungUp = new Promise((resolve) =>
    proxy.once('connection', (socket) => socket.on('close', resolve).resume()),
  )
  const { port } = proxy.address() as { port: number }
  withPrograms('tar', 'gzip')
  process.env.https_proxy = `http://127.0.0.1:${port}`
  const [finding] = await judge(broker(archiveAt('https://there.invalid/broker-2.0.tar.gz')))
  delete process.env.https_proxy
  await hungUp
  proxy.close()

  t.is(finding?.found, 'there.invalid: cannot be reached: no answer within 3 s')
})

test.serial('an archive whose server answers needs tar and gzip too', async (t) => {
  const server = createServer((socket) => socket.destroy()).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.on('listening', resolve))
  const { port } = server.address() as { port: number }
  withPrograms('tar', 'gzip')
  const [reached] = await judge(broker(archive(port)))
  withPrograms('tar')
  const [lacked] = await judge(broker(archive(port)))
  server.close()

  t.is(reached?.found, `2.0, from 127.0.0.1:${port}`)
  t.is(lacked?.found, `127.0.0.1:${port}: gzip is not installed`)
})

test.serial(
  'what is in the cache needs no source, and a mirror may have what no source can give',
  async (t) => {
    withPrograms()
    const cached = broker(archive(closed), jars)
    const [, second] = cached.sources
    if (second === undefined) throw new TypeError('there are two sources')
    const [mirrored] = await judge(cached, '/srv/mirror')
    mkdirSync(join(folder, 'cache'))
    writeFileSync(join(folder, 'cache', packedName(cached, second)), '')

    t.like(mirrored, { state: 'ok', found: '2.0, from the mirror /srv/mirror, or nowhere' })
    t.like((await judge(cached))[0], { state: 'ok', found: '1.9, in the cache' })
  },
)
