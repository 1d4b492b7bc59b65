import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from 'node:fs'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import fc from 'fast-check'
import * as v from 'valibot'
import { defineResource, type Resource } from '../../../engine/resource.ts'
import { directory } from '../../../engine/resources/directory.ts'
import { file } from '../../../engine/resources/file.ts'
import { sysctl } from '../../../engine/resources/sysctl.ts'
import { systemdUnit } from '../../../engine/resources/systemd-unit.ts'
import { Secret } from '../../../engine/secret.ts'
import { lines, sh } from '../../../engine/shell.ts'
import { type Reading, survey } from '../../../engine/survey.ts'
import { localConnection } from '../../support/local-connection.ts'
import { scratch } from '../../support/resources.ts'

async function read(
  resources: Resource[],
): Promise<{ readings: (Reading | undefined)[]; roundTrips: number }> {
  const connection = localConnection()
  const found = await survey(resources, {
    connection,
    artifacts: { cacheDirectory: '/nonexistent' },
    signal: undefined,
    progress: () => {},
  })
  connection.close()
  return { readings: resources.map((resource) => found.get(resource)), roundTrips: connection.roundTrips }
}

/** The same resources, each of which is asked by its own probe. */
const apart = (resources: Resource[]) => resources.map(({ joint, ...rest }) => rest)

const hostile = `-rf "it's" $(touch pwned) \`id\` \\n ä\nsecond line`

/** File names of all that a shell, a list of names or a command line could trip over. */
const fileName = fc
  .string({ unit: fc.constantFrom(...'a-. \n\t\'"\\$`*?[]{}()&|;<>#~!=:%äß€'), minLength: 1, maxLength: 20 })
  .filter((name) => name !== '.' && name !== '..')
const text = fc
  .oneof(fc.constantFrom('', 'same', ' ', '.', '\n'), fc.string({ unit: 'binary', maxLength: 40 }))
  .filter((content) => !content.includes('\0'))
const entry = fc.record({
  name: fileName,
  is: fc.constantFrom('absent', 'as wanted', 'other', 'a directory', 'a link'),
  want: text,
  have: text,
})

test('files that are read together are found just as each one on its own, whatever they are called and contain', async (t) => {
  const base = scratch()
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(entry, { selector: ({ name }) => name, maxLength: 6 }),
      async (entries) => {
        const root = mkdtempSync(join(base, 'host-'))
        const resources = entries.map(({ name, is, want, have }) => {
          const path = join(root, name)
          if (is === 'as wanted') writeFileSync(path, want, { mode: 0o640 })
          if (is === 'other') writeFileSync(path, have)
          if (is === 'a directory') mkdirSync(path)
          if (is === 'a link') symlinkSync(have === '' ? 'nowhere' : '/etc/hosts', path)
          return file({ path, content: want })
        })
        const [together, alone] = [await read(resources), await read(apart(resources))]
        t.deepEqual(together.readings, alone.readings)
      },
    ),
    { numRuns: 100 },
  )
})

test('directories that are read together are found just as each one on its own', async (t) => {
  const root = scratch()
  mkdirSync(join(root, hostile), { mode: 0o700 })
  writeFileSync(join(root, 'a file'), '')
  const resources = [
    directory({ path: '/etc' }),
    directory({ path: join(root, 'absent') }),
    directory({ path: join(root, hostile) }),
    directory({ path: join(root, 'a file') }),
  ]

  const together = await read(resources)

  t.deepEqual(together.readings, (await read(apart(resources))).readings)
  // The file that is in the way is asked about on its own.
  t.is(together.roundTrips, 2)
})

test('kernel settings and units that are read together are found just as each one on its own', async (t) => {
  const resources = [
    sysctl({ key: 'kernel.ostype', value: 'Linux' }),
    sysctl({ key: 'net.ipv4.tcp_rmem', value: '1 2 3' }),
    sysctl({ key: 'kernel.not_there', value: 1 }),
    systemdUnit({ unit: 'not-there.service', content: '[Service]\n', state: 'running' }),
    systemdUnit({ unit: 'brought-by-a-package.service', state: 'running', loads: ['/etc', '/etc/hosts'] }),
    systemdUnit({ unit: 'template@.service', enabled: true }),
  ]

  t.deepEqual((await read(resources)).readings, (await read(apart(resources))).readings)
})

test('all that is as it should be, of all kinds that can be read together, is read in one go', async (t) => {
  const root = scratch()
  const resources = Array.from({ length: 30 }, (_, index) => {
    const path = join(root, `file ${index}`)
    writeFileSync(path, `content ${index}`)
    return file({
      path,
      content: index % 2 === 0 ? `content ${index}` : new Secret(`content ${index}`),
      mode: '0640',
    })
  })

  const { readings, roundTrips } = await read([...resources, directory({ path: '/etc' })])

  t.is(roundTrips, 1)
  t.true(readings.every((reading) => reading?.state === 'read'))
})

test('a file that has what another should have is told with its own content', async (t) => {
  const root = scratch()
  const [one, other] = [join(root, 'one'), join(root, 'other')]
  writeFileSync(one, 'of the other\n')
  writeFileSync(other, 'of the other\n')

  const { readings } = await read([
    file({ path: one, content: 'of one\n' }),
    file({ path: other, content: 'of the other\n' }),
  ])

  t.like(readings[0], { state: 'read', have: { content: 'of the other\n' } })
})

const Answer = v.strictObject({ code: v.number(), joint: v.number() })

/** Ends with these exit codes, asked on its own and together with others. */
const answer = defineResource<typeof Answer, { code: string }>({
  kind: 'answer',
  spec: Answer,
  id: ({ code }) => String(code),
  reads: () => [],
  touches: () => [],
  probe: ({ code }) => ({
    script: sh`echo ${code}; echo trouble >&2; exit ${code}`,
    parse: ([word = '']) => ({ code: word }),
  }),
  probeTogether: (specs) => ({
    script: lines(specs.map(({ joint }) => sh`[ ${joint} = 0 ] || exit ${joint}`)),
    parse: () => specs.map(() => ({ have: { code: 'together' } })),
  }),
  diff: () => [],
  apply: () => [],
})

test('what cannot be read is told of the one that it concerns, the others that were asked with it are read', async (t) => {
  const { readings, roundTrips } = await read([answer({ code: 0, joint: 0 }), answer({ code: 3, joint: 1 })])

  t.is(roundTrips, 2)
  t.deepEqual(readings, [
    { state: 'read', have: { code: '0' } },
    { state: 'refused', why: 'exit code 3\ntrouble' },
  ])
})

test('those that a kind can read together are not asked on their own', async (t) => {
  const { readings, roundTrips } = await read([answer({ code: 3, joint: 0 }), answer({ code: 0, joint: 0 })])

  t.is(roundTrips, 1)
  t.deepEqual(readings, Array(2).fill({ state: 'read', have: { code: 'together' } }))
})

test('a file of keys is read with the others where it is as declared, and alone, to be judged, where it is not', async (t) => {
  const base = scratch()
  const { username } = userInfo()
  const group = execFileSync('id', ['-gn'], { encoding: 'utf8' }).trim()
  mkdirSync(join(base, '.ssh'))
  const path = join(base, '.ssh', 'authorized_keys')
  writeFileSync(path, 'ssh-ed25519 AAAA\n', { mode: 0o600 })
  const other = file({ path: join(base, 'note'), content: '' })
  const keys = (traits: { content?: string; mode?: string; owner?: string }) =>
    file({ path, content: 'ssh-ed25519 AAAA\n', mode: '0600', owner: username, group, ...traits })

  const same = await read([keys({}), other])
  const alone = await Promise.all(
    [{ content: 'ssh-ed25519 AAAA\n\n' }, { mode: '0640' }, { owner: 'nobody' }].map((traits) =>
      read([keys(traits), other]),
    ),
  )

  t.is(same.roundTrips, 1)
  t.deepEqual(
    alone.map(({ roundTrips }) => roundTrips),
    [2, 2, 2],
  )
  for (const { readings } of [same, ...alone]) t.like(readings[0], { state: 'read', have: { mode: '0600' } })
  t.deepEqual(await read(apart([keys({})])), { readings: [same.readings[0]], roundTrips: 1 })
})
