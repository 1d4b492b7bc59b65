import { appendFile, mkdir, readdir, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import {
  artifactCacheDirectory,
  findPacked,
  partialFile,
  storePacked,
  workDirectory,
} from '../../../../engine/artifacts/cache.ts'
import { temporaryDirectory } from './archive-server.ts'

test("artifacts lie where SLUICE_CACHE says, else in the user's cache directory", (t) => {
  t.is(artifactCacheDirectory({ SLUICE_CACHE: '/a', XDG_CACHE_HOME: '/b' }), '/a/artifacts')
  t.is(artifactCacheDirectory({ XDG_CACHE_HOME: '/b' }), '/b/sluice/artifacts')
  t.is(artifactCacheDirectory({ XDG_CACHE_HOME: 'b' }), join(homedir(), '.cache/sluice/artifacts'))
  t.is(artifactCacheDirectory({}), join(homedir(), '.cache/sluice/artifacts'))
})

test('a packed artifact is found again until a byte of it changes', async (t) => {
  const cache = await temporaryDirectory(t)
  const work = await workDirectory(cache)
  await mkdir(join(work, 'content'))
  await writeFile(join(work, 'content/a'), 'a')
  const said: string[] = []
  const find = () => findPacked(cache, 'a.tar.gz', (message) => said.push(message))

  t.is(await find(), undefined)
  const stored = await storePacked(join(cache, 'a.tar.gz'), {
    directory: join(work, 'content'),
    work,
    signal: undefined,
  })
  t.deepEqual(await find(), stored)
  t.deepEqual(said, [])
  await appendFile(stored.path, 'x')

  t.is(await find(), undefined)
  t.deepEqual(said, ['a.tar.gz in the cache was damaged and is removed'])
  t.false((await readdir(cache)).includes('a.tar.gz'))
})

test('what a process that is gone left is continued or removed, and what a running one uses is left alone', async (t) => {
  const cache = await temporaryDirectory(t)
  // Above the largest number that Linux gives to a process.
  const gone = 2 ** 22 + 1
  await mkdir(join(cache, 'work', `${gone}.abc`), { recursive: true })
  await mkdir(join(cache, 'work', '1.abc'), { recursive: true })
  await mkdir(join(cache, 'partial'))
  await writeFile(join(cache, 'partial', `a.tgz.${gone}.part`), 'begun')
  await writeFile(join(cache, 'partial', 'a.tgz.1.part'), 'of another')

  const work = await workDirectory(cache)
  const partial = await partialFile(join(cache, 'partial'), 'a.tgz')

  t.deepEqual((await readdir(join(cache, 'work'))).sort(), ['1.abc', work.split('/').at(-1) ?? ''].sort())
  t.is(partial, join(cache, 'partial', `a.tgz.${process.pid}.part`))
  t.deepEqual(
    (await readdir(join(cache, 'partial'))).sort(),
    ['a.tgz.1.part', `a.tgz.${process.pid}.part`].sort(),
  )
})
