import test from 'ava'
import { likelyRemedy } from '../../../engine/likely-remedy.ts'

test('well-known words of a failed command have their remedy', (t) => {
  t.regex(likelyRemedy('tar: a: Cannot write: No space left on device') ?? '', /make room/)
  t.regex(likelyRemedy('E: Unable to locate package jre') ?? '', /package sources/)
  t.regex(
    likelyRemedy('E: unmet dependencies\napt would remove these to install a: b') ?? '',
    /remove those on the host yourself/,
  )
  t.regex(likelyRemedy('bind: Address already in use') ?? '', /what has the port/)
})

test('to words that may mean anything nothing is advised', (t) => {
  t.is(likelyRemedy('exit status 1'), undefined)
})
