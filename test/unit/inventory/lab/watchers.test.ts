import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { raiseWatchers, restoreWatchers } from '../../../../inventory/lab/watchers.ts'
import { scratch } from '../../../support/resources.ts'

function machine(limit: number) {
  const directory = scratch()
  const [record, file] = [join(directory, 'watchers.json'), join(directory, 'max_user_instances')]
  writeFileSync(file, `${limit}\n`)
  return { record, file, limit: () => Number(readFileSync(file, 'utf8')) }
}

test('a limit that is low is raised for the labs, and put back when the last is gone', async (t) => {
  const { record, file, limit } = machine(128)

  await raiseWatchers(record, 'boot', file)
  t.is(limit(), 4096)
  await raiseWatchers(record, 'boot', file)
  await restoreWatchers(record, 'boot', file)

  t.is(limit(), 128)
  t.false(existsSync(record))
})

test('a limit that is high enough is left alone', async (t) => {
  const { record, file, limit } = machine(8192)

  await raiseWatchers(record, 'boot', file)
  await restoreWatchers(record, 'boot', file)

  t.is(limit(), 8192)
})

test('what somebody else has set meanwhile, or what was noted before a restart of the machine, is not put back', async (t) => {
  const one = machine(128)
  await raiseWatchers(one.record, 'boot', one.file)
  writeFileSync(one.file, '5000')
  await restoreWatchers(one.record, 'boot', one.file)
  t.is(one.limit(), 5000)

  const other = machine(128)
  await raiseWatchers(other.record, 'boot', other.file)
  await restoreWatchers(other.record, 'the next boot', other.file)
  t.is(other.limit(), 4096)
})
