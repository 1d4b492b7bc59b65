import { execFileSync } from 'node:child_process'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DescribeKeyPairsCommand, ImportKeyPairCommand } from '@aws-sdk/client-ec2'
import test from 'ava'
import { projectFolder, sluice } from '../../support/cli.ts'
import { withoutConditions } from './actions.ts'
import { environment } from './cloud-api.ts'
import { ec2Error } from './relay.ts'
import { amazonLinux, everything, instancesOf, inventoryOf, publicKey, startStacks } from './stack.ts'

const { relay, project } = await startStacks(test)

const refusals: [name: string, answer: [number, string, string], expected: RegExp][] = [
  [
    'a quota that is used up',
    [400, 'VcpuLimitExceeded', 'You have requested more vCPU capacity than your current vCPU limit of 1.'],
    /AWS_QUOTA {2}the account may have no more of this in us-west-1: VcpuLimitExceeded\n {2}at {3}us-west-1 > instances > instance vm1 > RunInstances/,
  ],
  [
    'a zone without capacity',
    [500, 'InsufficientInstanceCapacity', 'We currently do not have sufficient t3.small capacity.'],
    /AWS_CAPACITY {2}AWS has none of this to give in us-west-1 now: InsufficientInstanceCapacity/,
  ],
  [
    'a permission that is missing for a part of the request',
    [
      403,
      'UnauthorizedOperation',
      'You are not authorized to perform this operation. User: arn:aws:iam::1:user/u is not authorized to perform: ec2:CreateTags on resource: *',
    ],
    /AWS_DENIED {2}AWS does not permit ec2:CreateTags\n[\s\S]*run again: it goes on from there/,
  ],
  [
    'a value that AWS does not take',
    [400, 'InvalidParameterValue', 'The architecture is not supported.'],
    /AWS_REFUSED {2}AWS refuses RunInstances: InvalidParameterValue/,
  ],
]

for (const [name, answer, expected] of refusals) {
  test.serial(`${name} is an error that says so, and the next up goes on`, async (t) => {
    const { up, text } = await project(t, 'us-west-1')
    relay.intercept = ({ action }) => (action === 'RunInstances' ? ec2Error(...answer) : undefined)

    const refused = await text(['up', '--wait', '0'], { AWS_MAX_ATTEMPTS: '1' })
    relay.intercept = () => undefined
    const next = await up()
    const destroyed = await text(['destroy', '--yes'])

    t.is(refused.exitCode, 1)
    t.regex(refused.stderr, expected)
    t.deepEqual(next.changed, everything.slice(-4))
    t.is(destroyed.exitCode, 0, destroyed.stderr)
  })
}

test.serial(
  'names that are taken are errors before or where they matter, and what took them stays',
  async (t) => {
    const { cloud, text } = await project(t, 'us-east-2')
    const key = { KeyName: 'shop', PublicKeyMaterial: Buffer.from(publicKey) }
    await cloud.client.send(new ImportKeyPairCommand(key))

    const keyTaken = await text(['up', '--wait', '0'])
    const image = await cloud.image('debian-12-amd64-20260102')
    const namesake = await cloud.instance({ Project: 'shop', Role: 'kafka', Name: 'vm1' }, { image })
    const hostTaken = await text(['up', '--wait', '0'])
    const destroyed = await text(['destroy', '--yes'])

    t.regex(
      keyTaken.stderr,
      /AWS_CONFLICT {2}something that sluice up did not make has this name.*InvalidKeyPair\.Duplicate/,
    )
    t.regex(
      hostTaken.stderr,
      new RegExp(
        `AWS_CONFLICT {2}hosts of the project shop are there that sluice up did not make: ${namesake}`,
      ),
    )
    t.is(destroyed.exitCode, 0, destroyed.stderr)
    t.deepEqual(
      (await instancesOf(cloud)).map(({ InstanceId }) => InstanceId),
      [namesake],
    )
    const { KeyPairs = [] } = await cloud.client.send(new DescribeKeyPairsCommand({}))
    t.deepEqual(
      KeyPairs.map(({ KeyName }) => KeyName),
      ['shop'],
    )
  },
)

test.serial(
  'what is declared differently and cannot be changed is an error, what is declared no more stays',
  async (t) => {
    const host = { role: 'kafka' }
    const { cloud, folder, up, text } = await project(t, 'ca-central-1', {
      hosts: { a: host, b: { role: 'mongodb' } },
    })
    await up()

    const bigger = await text(['up', '--wait', '0', '--type', 't3.large'])
    const one = projectFolder(t, {
      'key.pub': publicKey,
      'sluice.config.json': JSON.stringify({
        inventory: 'aws',
        aws: {
          regions: ['ca-central-1'],
          project: 'shop',
          up: { admin: ['203.0.113.7'], publicKey: 'key.pub', hosts: { a: host } },
        },
      }),
    })
    const less = await sluice(one, ['up', '--check'], { ...environment, AWS_ENDPOINT_URL_EC2: relay.url })
    const image = await cloud.image('debian-12-amd64-20260102')
    const tags = {
      Project: 'shop',
      Role: 'kafka',
      Name: 'a',
      'sluice-stack': 'shop',
      'sluice-part': 'instance a',
    }
    await cloud.instance(tags, { image })
    const twice = await text(['up', '--check'])
    const destroyed = await sluice(one, ['destroy', '--yes'], {
      ...environment,
      AWS_ENDPOINT_URL_EC2: relay.url,
    })

    t.regex(
      bigger.stderr,
      /AWS_CONFLICT {2}a \(i-\w+\) is there and is not changed in this: type is t3\.small, should be t3\.large/,
    )
    t.regex(less.stderr, /not declared any more, and left alone: b/)
    t.regex(twice.stderr, /AWS_CONFLICT {2}2 instances carry the tags of a: i-\w+, i-\w+/)
    t.is(destroyed.exitCode, 0, destroyed.stderr)
    t.deepEqual(await instancesOf(cloud), [])
    t.true(existsSync(folder))
  },
)

test.serial(
  'the IAM policy is enough for up and destroy; without one action the error names it',
  async (t) => {
    t.timeout(600_000)
    const { cloud, text } = await project(t, 'sa-east-1')
    const full = withoutConditions()
    const less = structuredClone(full)
    for (const statement of less.Statement) {
      statement.Action = statement.Action.filter((action) => action !== 'ec2:AuthorizeSecurityGroupIngress')
    }
    const [exactUser, lessUser] = [
      await cloud.user('exact', JSON.stringify(full)),
      await cloud.user('less', JSON.stringify(less)),
    ]
    await cloud.requirePermissions()
    t.teardown(() => cloud.requirePermissions(false))

    const refused = await text(['up', '--wait', '0'], lessUser)
    const image = `resolve:ssm:${amazonLinux('x86_64')}`
    const byParameter = await text(['up', '--check', '--image', image], exactUser)
    const made = await text(['up', '--wait', '0'], exactUser)
    const destroyed = await text(['destroy', '--yes'], exactUser)
    const nobody = await text(['up', '--wait', '0'], { AWS_ACCESS_KEY_ID: '', AWS_SECRET_ACCESS_KEY: '' })

    t.regex(refused.stderr, /AWS_DENIED {2}AWS does not permit ec2:AuthorizeSecurityGroupIngress/)
    t.is(byParameter.exitCode, 2, byParameter.stderr)
    t.is(made.exitCode, 0, made.stderr)
    t.is(destroyed.exitCode, 0, destroyed.stderr)
    t.regex(nobody.stderr, /AWS_CREDENTIALS {2}no credentials for AWS were found/)
  },
)

test.serial('without a private key that could log in, up says so before it makes anything', async (t) => {
  const { cloud, folder, text } = await project(t, 'ap-southeast-1')
  const before = await inventoryOf(cloud)
  const nobody = { HOME: folder, SSH_AUTH_SOCK: '' }

  const without = await text(['up'], nobody)
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(folder, 'key')])
  writeFileSync(join(folder, 'key.pub'), publicKey)
  const another = await text(['up'], nobody)

  t.regex(
    without.stderr,
    /KEY_UNUSABLE {2}there is no key to log in with to aws\n[\s\S]*do {3}name a private key file/,
  )
  t.regex(
    another.stderr,
    /KEY_UNUSABLE {2}the hosts would let in a public key whose private half is not what/,
  )
  t.deepEqual([without.exitCode, another.exitCode], [1, 1])
  t.deepEqual(await inventoryOf(cloud), before)
})

test.serial('what is wrong in the settings is said before AWS is asked', async (t) => {
  const { text } = await project(t, 'eu-west-3', { admin: undefined })
  relay.asked.length = 0

  const noAdmin = await text(['up'])
  const everyType = await text(['up', '--admin', '203.0.113.7', '--type', 'small'])
  const noKey = await text(['up', '--admin', '203.0.113.7', '--public-key', 'missing.pub'])
  const noHosts = await text(['up', '--inventory', 'sluice.config.json'])

  t.regex(noAdmin.stderr, /USAGE {2}nothing says from where the hosts may be logged in to/)
  t.regex(everyType.stderr, /USAGE {2}type should be a type of instance such as t3\.small/)
  t.regex(noKey.stderr, /USAGE {2}there is no public key to let you in with/)
  t.deepEqual(
    [noAdmin, everyType, noKey].map(({ exitCode }) => exitCode),
    [64, 64, 64],
  )
  t.not(noHosts.exitCode, 0)
  t.deepEqual(relay.asked, [])
})
