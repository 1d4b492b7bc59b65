import test from 'ava'
import { judgeWriteErrors } from '../../../../runtime/processor/write-errors.ts'

test('documents that were there already are counted, and no reason to repeat', (t) => {
  const errors = [0, 4].map((index) => ({ index, code: 11_000, message: 'E11000 duplicate key' }))

  t.deepEqual(judgeWriteErrors(errors), { duplicates: [0, 4], rejected: [], repeat: undefined })
})

test('a document that the database refuses is rejected, its neighbours are not', (t) => {
  const verdict = judgeWriteErrors([
    { index: 1, code: 121, message: 'Document failed validation' },
    { index: 2, code: 11_000, message: 'E11000' },
  ])

  t.deepEqual(verdict, {
    duplicates: [2],
    rejected: [{ index: 1, reason: 'MongoDB: Document failed validation' }],
    repeat: undefined,
  })
})

test('every other error is a reason to repeat', (t) => {
  const verdict = judgeWriteErrors([{ index: 0, code: 14_031, message: 'disk full' }])

  t.is(verdict.repeat, 'disk full')
})
