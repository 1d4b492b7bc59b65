import { tmpdir } from 'node:os'
import test from 'ava'
import { SluiceError } from '../../../../engine/errors.ts'
import { bridgeName, machineName } from '../../../../inventory/lab/names.ts'
import { labSettings } from '../../../../inventory/lab/settings.ts'

test('a lab is named for its project, and has four hosts', (t) => {
  const settings = labSettings(tmpdir(), {})
  t.regex(settings.name, /^[0-9a-f]{6}$/)
  t.is(settings.directory, `/var/lib/sluice-lab/${settings.name}`)
  t.is(settings.count, 4)
  t.is(settings.network, undefined)
  t.is(settings.memoryLimitMb, undefined)
})

test('two projects have labs with different names', (t) => {
  t.not(labSettings(tmpdir(), {}).name, labSettings('/', {}).name)
})

test('the environment decides', (t) => {
  const settings = labSettings(tmpdir(), {
    SLUICE_LAB_NAME: 'mine',
    SLUICE_LAB_DIRECTORY: '/srv/lab',
    SLUICE_LAB_CACHE: '/srv/cache',
    SLUICE_LAB_NETWORK: '10.9.8.0/24',
    SLUICE_LAB_NETWORK6: 'fd00:1:2:3::/64',
    SLUICE_LAB_COUNT: '16',
    SLUICE_LAB_SUITE: 'trixie',
    SLUICE_LAB_SOURCES: '/etc/apt/trixie.sources',
    SLUICE_LAB_MEMORY_MB: '2048',
    OTHER: 'ignored',
  })
  t.deepEqual(settings, {
    name: 'mine',
    directory: '/srv/lab',
    cache: '/srv/cache',
    network: '10.9.8.0/24',
    network6: 'fd00:1:2:3::/64',
    count: 16,
    suite: 'trixie',
    sources: '/etc/apt/trixie.sources',
    memoryLimitMb: 2048,
  })
})

test('an empty variable is as good as none', (t) => {
  t.is(labSettings(tmpdir(), { SLUICE_LAB_COUNT: '', SLUICE_LAB_SUITE: '' }).count, 4)
})

for (const [name, value] of [
  ['SLUICE_LAB_NAME', 'Too-Long-A-Name'],
  ['SLUICE_LAB_DIRECTORY', 'relative/path'],
  ['SLUICE_LAB_DIRECTORY', '/with,comma'],
  ['SLUICE_LAB_NETWORK', '10.9.8.0/16'],
  ['SLUICE_LAB_NETWORK', '10.9.8.1/24'],
  ['SLUICE_LAB_NETWORK', '10.9.999.0/24'],
  ['SLUICE_LAB_NETWORK6', 'fd77::1/64'],
  ['SLUICE_LAB_NETWORK6', 'fd77::1::/64'],
  ['SLUICE_LAB_COUNT', '0'],
  ['SLUICE_LAB_COUNT', '100'],
  ['SLUICE_LAB_COUNT', 'four'],
  ['SLUICE_LAB_SUITE', '../etc'],
  ['SLUICE_LAB_MEMORY_MB', '8'],
] as const) {
  test(`${name}=${value} is an error that names the variable`, (t) => {
    const error = t.throws(() => labSettings(tmpdir(), { [name]: value }), { instanceOf: SluiceError })
    t.is(error.code, 'USAGE')
    t.regex(error.subject, new RegExp(`^${name} should `))
  })
}

test('interface names stay below the sixteen letters that the kernel refuses', (t) => {
  const settings = labSettings(tmpdir(), { SLUICE_LAB_NAME: 'abcdef' })
  t.true(bridgeName(settings).length <= 15)
  t.true(`vb-${machineName(settings, 'vm99')}`.length <= 15)
})
