import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { findProject, readConfiguration } from '../../../../engine/cli/configuration.ts'
import { defaultForks } from '../../../../engine/cli/options.ts'
import { SluiceError } from '../../../../engine/errors.ts'
import { projectFolder } from '../../../support/cli.ts'

test('a project without a configuration file has none', (t) => {
  t.deepEqual(readConfiguration(projectFolder(t)), { varsFiles: [] })
})

test('paths in the configuration are relative to its folder, URLs are left alone', (t) => {
  const folder = projectFolder(t, {
    'sluice.config.json': '{"varsFiles": ["site.yaml"], "artifactMirror": "mirror", "forks": 3}',
  })
  const other = projectFolder(t, { 'sluice.config.json': '{"artifactMirror": "https://mirror.example/x"}' })

  t.deepEqual(readConfiguration(folder), {
    forks: 3,
    varsFiles: [join(folder, 'site.yaml')],
    artifactMirror: join(folder, 'mirror'),
  })
  t.is(readConfiguration(other).artifactMirror, 'https://mirror.example/x')
})

for (const [title, content, subject] of [
  ['a key that is not known', '{"forkz": 1}', 'forkz is not known'],
  ['a wrong value', '{"varsFiles": ["a", 7]}', 'varsFiles/1 should be string, got 7'],
  ['what is not JSON', '{', 'sluice.config.json is not JSON'],
] as const) {
  test(`${title} in the configuration is an error with the place in it`, (t) => {
    const folder = projectFolder(t, { 'sluice.config.json': content })

    const error = t.throws(() => readConfiguration(folder), { instanceOf: SluiceError })

    t.is(error.code, 'USAGE')
    t.is(error.subject, subject)
    t.is(error.at, join(folder, 'sluice.config.json'))
  })
}

test('the project is the nearest folder above with a configuration or a package.json', (t) => {
  const folder = projectFolder(t)
  const below = join(folder, 'a', 'b')
  mkdirSync(below, { recursive: true })

  t.is(findProject(below), folder)
})

test('forks follow hosts and cores', (t) => {
  t.is(defaultForks(4, 2), 4)
  t.is(defaultForks(100, 2), 16)
  t.is(defaultForks(0, 2), 1)
})
