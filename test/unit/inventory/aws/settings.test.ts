import { writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { SluiceError } from '../../../../engine/errors.ts'
import { awsSettings } from '../../../../inventory/aws/settings.ts'
import { projectFolder } from '../../../support/cli.ts'

const configuration = (aws: object) => ({ 'sluice.config.json': JSON.stringify({ aws }) })

test('a project that says nothing has the usual names of tags', (t) => {
  const settings = awsSettings(projectFolder(t), {})

  t.is(settings.project, 'sluice')
  t.deepEqual(settings.tags, { project: 'Project', role: 'Role', name: 'Name' })
  t.is(settings.regions, undefined)
  t.is(settings.cacheSeconds, 60)
})

test('the configuration wins over the environment, the environment over the defaults', (t) => {
  const folder = projectFolder(t, configuration({ project: 'shop', identityFile: '~/.ssh/shop' }))

  const settings = awsSettings(folder, {
    SLUICE_AWS_PROJECT: 'other',
    SLUICE_AWS_REGIONS: 'eu-west-1, us-gov-west-1,eu-west-1',
    SLUICE_AWS_PROFILE: '',
  })

  t.is(settings.project, 'shop')
  t.deepEqual(settings.regions, ['eu-west-1', 'us-gov-west-1'])
  t.is(settings.profile, undefined)
  t.is(settings.identityFile, join(homedir(), '.ssh/shop'))
})

test('a relative identity file is looked for from the project', (t) => {
  const folder = projectFolder(t, configuration({ identityFile: 'keys/id' }))

  t.is(awsSettings(folder, {}).identityFile, join(folder, 'keys/id'))
})

test('hosts whose public key is configured are logged in to with the private one beside it, if it is there', (t) => {
  const folder = projectFolder(t, {
    ...configuration({ up: { publicKey: 'shop.pub' } }),
  })
  const without = awsSettings(folder, {}).identityFile
  writeFileSync(join(folder, 'shop'), '')

  t.is(without, undefined)
  t.is(awsSettings(folder, {}).identityFile, join(folder, 'shop'))
})

test('an image by a parameter of SSM may be said in our words or in those of AWS', (t) => {
  const imageOf = (image: unknown) =>
    awsSettings(projectFolder(t, configuration({ up: { image } })), {}).up.image
  const ssm = '/aws/service/debian/release/12/latest/amd64'

  t.deepEqual(imageOf({ ssm }), { ssm })
  t.deepEqual(imageOf(`resolve:ssm:${ssm}`), { ssm })
  t.is(imageOf('ami-0123456789abcdef0'), 'ami-0123456789abcdef0')
  for (const image of [{ ssm: '' }, 'resolve:ssm:', { ssm, name: 'debian' }, 12]) {
    t.throws(() => imageOf(image), { instanceOf: SluiceError, message: /^USAGE {2}up\/image/ })
  }
})

for (const [title, aws, subject] of [
  ['a key that is not known', { region: 'eu-west-1' }, 'region is not known'],
  ['no region at all', { regions: [] }, 'regions should name at least one region, got 0'],
  [
    'a zone for a region',
    { regions: ['eu-west-1a'] },
    'regions/0 should be a region such as eu-central-1, got "eu-west-1a"',
  ],
] as const) {
  test(`${title} in the section aws is an error with the place in it`, (t) => {
    const folder = projectFolder(t, configuration(aws))

    const error = t.throws(() => awsSettings(folder, {}), { instanceOf: SluiceError })

    t.is(error.code, 'USAGE')
    t.is(error.subject, subject)
    t.is(error.at, `${join(folder, 'sluice.config.json')} > aws`)
  })
}
