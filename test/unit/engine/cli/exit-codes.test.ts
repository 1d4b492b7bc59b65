import test from 'ava'
import { exitCodeOfError, exitCodeOfRun } from '../../../../engine/cli/exit-codes.ts'
import { SluiceError } from '../../../../engine/errors.ts'
import { hostResult, runResult } from '../../../support/events.ts'

const ok = hostResult('vm1')
const changed = hostResult('vm2', { status: 'changed' })
const failed = hostResult('vm3', { status: 'failed' })
const skipped = hostResult('vm4', { status: 'skipped' })

test('a run that did all it should is 0, whether or not it changed anything', (t) => {
  t.is(exitCodeOfRun(runResult([ok])), 0)
  t.is(exitCodeOfRun(runResult([ok, changed])), 0)
})

test('a host that failed or was skipped makes it 1, in a check too', (t) => {
  t.is(exitCodeOfRun(runResult([changed, failed])), 1)
  t.is(exitCodeOfRun(runResult([changed, skipped])), 1)
  t.is(exitCodeOfRun(runResult([changed, failed], { mode: 'check' })), 1)
})

test('a check that found differences is 2', (t) => {
  t.is(exitCodeOfRun(runResult([ok, changed], { mode: 'check' })), 2)
  t.is(exitCodeOfRun(runResult([ok], { mode: 'check' })), 0)
})

test('a run that was stopped is 130, whatever its hosts say', (t) => {
  t.is(exitCodeOfRun(runResult([failed], { interrupted: true })), 130)
})

test('what was typed or written wrongly is 64, what is not as it should be is 1', (t) => {
  const error = (code: ConstructorParameters<typeof SluiceError>[0]) => new SluiceError(code, { subject: '' })

  t.is(exitCodeOfError(error('INVENTORY_INVALID')), 64)
  t.is(exitCodeOfError(error('LAB_UNAVAILABLE')), 1)
  t.is(exitCodeOfError(error('INTERRUPTED')), 130)
  t.is(exitCodeOfError(new TypeError('a mistake of ours')), 1)
})
