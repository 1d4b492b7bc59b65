import test from 'ava'
import fc from 'fast-check'
import { parseTimestamp } from '../../../runtime/timestamp.ts'

test('a UTC time of this century is read to the millisecond', (t) => {
  t.is(parseTimestamp('2026-01-02T03:04:05Z'), Date.UTC(2026, 0, 2, 3, 4, 5))
  t.is(parseTimestamp('2026-01-02T03:04:05.6Z'), Date.UTC(2026, 0, 2, 3, 4, 5, 600))
  t.is(parseTimestamp('2026-01-02T03:04:05.678Z'), Date.UTC(2026, 0, 2, 3, 4, 5, 678))
  t.is(parseTimestamp('2026-01-02T03:04:05.678999999Z'), Date.UTC(2026, 0, 2, 3, 4, 5, 678))
  t.is(parseTimestamp('2024-02-29T00:00:00Z'), Date.UTC(2024, 1, 29))
})

test('a time of another form, zone or century, or of no calendar, is refused', (t) => {
  const refused = [
    '',
    'now',
    '2026-01-02',
    '2026-01-02 03:04:05Z',
    '2026-01-02T03:04:05',
    '2026-01-02T03:04:05+00:00',
    '2026-01-02T03:04:05z',
    '2026-01-02T03:04:05.Z',
    '2026-01-02T03:04:05.x7Z',
    '2026-1-2T03:04:05Z',
    '2026-02-29T00:00:00Z',
    '2026-04-31T00:00:00Z',
    '2026-13-01T00:00:00Z',
    '2026-00-01T00:00:00Z',
    '2026-01-02T24:00:00Z',
    '2026-01-02T03:60:00Z',
    '2026-01-02T03:04:60Z',
    '1970-01-01T00:00:00Z',
    '2170-01-01T00:00:00Z',
  ]
  for (const written of refused) t.is(parseTimestamp(written), undefined, written)
})

test('whatever JavaScript writes of this century is read back', (t) => {
  const times = fc.date({
    min: new Date('2000-01-01T00:00:00.000Z'),
    max: new Date('2099-12-31T23:59:59.999Z'),
    noInvalidDate: true,
  })
  fc.assert(fc.property(times, (time) => parseTimestamp(time.toISOString()) === time.getTime()))
  t.pass()
})
