import { execFile } from 'node:child_process'
import { mkdir, readFile, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import test from 'ava'
import { packTarball } from '../../../../engine/artifacts/tarball.ts'
import { digestOf, temporaryDirectory } from './archive-server.ts'

const run = promisify(execFile)

test('a packed directory unpacks to the same files, programs being executable and nothing else', async (t) => {
  const directory = await temporaryDirectory(t)
  const program = Buffer.alloc(3 * 1024 * 1024 + 17, 'x')
  await mkdir(join(directory, 'in/bin'), { recursive: true })
  await mkdir(join(directory, 'in/libs/deep'), { recursive: true })
  await writeFile(join(directory, 'in/bin/thing'), program)
  await writeFile(join(directory, 'in/libs/deep/a.jar'), '')

  const packed = await packTarball(join(directory, 'in'), join(directory, 'out.tar.gz'))

  const { stdout, stderr } = await run('tar', ['tvzf', join(directory, 'out.tar.gz'), '--utc'])
  t.is(stderr, '')
  t.deepEqual(
    stdout
      .trim()
      .split('\n')
      .map((line) => line.replace(/\s+/g, ' ')),
    [
      'drwxr-xr-x root/root 0 1980-01-01 00:00 bin/',
      `-rwxr-xr-x root/root ${program.length} 1980-01-01 00:00 bin/thing`,
      'drwxr-xr-x root/root 0 1980-01-01 00:00 libs/',
      'drwxr-xr-x root/root 0 1980-01-01 00:00 libs/deep/',
      '-rw-r--r-- root/root 0 1980-01-01 00:00 libs/deep/a.jar',
    ],
  )
  await run('tar', ['xzf', join(directory, 'out.tar.gz'), '-C', directory])
  t.true((await readFile(join(directory, 'bin/thing'))).equals(program))
  const bytes = await readFile(join(directory, 'out.tar.gz'))
  t.deepEqual(packed, { sha256: digestOf(bytes), sizeBytes: bytes.length })
})

test('the same content gives the same bytes, whenever it was written', async (t) => {
  const directory = await temporaryDirectory(t)
  await mkdir(join(directory, 'in'))
  await writeFile(join(directory, 'in/b'), 'b', { mode: 0o600 })
  await writeFile(join(directory, 'in/a'), 'a', { mode: 0o755 })

  const first = await packTarball(join(directory, 'in'), join(directory, 'first'))
  await utimes(join(directory, 'in/a'), 1, 1)
  const second = await packTarball(join(directory, 'in'), join(directory, 'second'))

  t.deepEqual(first, second)
})
