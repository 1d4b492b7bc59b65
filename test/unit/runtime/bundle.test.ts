import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import test from 'ava'
import { bundleRuntime } from '../../../runtime/bundle.ts'

const run = promisify(execFile)

async function temporaryDirectory(t: { teardown(done: () => Promise<void>): void }): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'sluice-bundle-'))
  t.teardown(() => rm(directory, { recursive: true }))
  return directory
}

test('the same sources give the same bytes', async (t) => {
  const directory = await temporaryDirectory(t)

  const one = await readFile(await bundleRuntime('processor', join(directory, 'one')))
  const other = await readFile(await bundleRuntime('processor', join(directory, 'other')))

  t.true(one.equals(other))
  t.false(one.includes(directory))
})

test('a bundle runs with nothing beside it', async (t) => {
  const directory = await temporaryDirectory(t)
  const producer = await bundleRuntime('producer', directory)

  const { stdout } = await run(process.execPath, [producer, '--help'], { cwd: directory, env: {} })

  t.regex(stdout, /^Usage: producer/)
})

test('a program whose environment is wrong says what, and ends with 78', async (t) => {
  const directory = await temporaryDirectory(t)
  const processor = await bundleRuntime('processor', directory)

  const error = await t.throwsAsync<Error & { code: number; stderr: string }>(
    run(process.execPath, [processor], { cwd: directory, env: { KAFKA_BOOTSTRAP: 'a:1' } }),
  )

  t.is(error?.code, 78)
  t.regex(error?.stderr ?? '', /^CONFIGURATION {2}MONGODB_URI is not set/)
})
