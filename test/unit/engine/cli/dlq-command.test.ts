import test from 'ava'
import { projectFolder, sluice } from '../../../support/cli.ts'

test('what cannot be the name of a letter is refused before a host is asked, with where names are', async (t) => {
  const folder = projectFolder(t)

  for (const words of [
    ['show', 'nonsense'],
    ['replay', '1:42', 'nonsense', '--yes'],
  ]) {
    const { exitCode, stderr } = await sluice(folder, ['dlq', ...words, '-i', 'missing.yaml'])

    t.is(exitCode, 64)
    t.regex(stderr, /^USAGE {2}"nonsense" cannot be the name of a letter$/m)
    t.regex(stderr, /why .*PARTITION:OFFSET.*TOPIC:PARTITION:OFFSET/)
    t.regex(stderr, /do {3}sluice dlq list --all shows the names of all letters$/m)
    t.notRegex(stderr, /--again/)
  }
})

test('both forms of a name are taken', async (t) => {
  const folder = projectFolder(t)

  for (const words of [
    ['show', '1:42'],
    ['show', 'token.usage.v1:3:17'],
    ['replay', '--yes'],
  ]) {
    const { stderr } = await sluice(folder, ['dlq', ...words, '-i', 'missing.yaml'])

    t.regex(stderr, /missing\.yaml/)
  }
})
