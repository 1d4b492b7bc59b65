import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import {
  adminNetworks,
  declarationOf,
  groupsOf,
  readPublicKey,
} from '../../../../../inventory/aws/cloud/declaration.ts'
import { architectureOf } from '../../../../../inventory/aws/cloud/images.ts'
import { awsSettings } from '../../../../../inventory/aws/settings.ts'
import { projectFolder } from '../../../../support/cli.ts'
import { settingsWith } from '../cloud.ts'

const settings = settingsWith({})
const withUp = (up: object) => ({ ...settings, up: { ...settings.up, ...up } })

test('four hosts have the last parts that they have in every inventory, and the tags by which they are found', (t) => {
  const { hosts, stack } = declarationOf(settings)

  t.deepEqual(
    hosts.map(({ name, role, address, groups, tags }) => [name, role, address, groups, tags]),
    [
      ['vm1', 'kafka', '10.0.1.10'],
      ['vm2', 'mongodb', '10.0.1.11'],
      ['vm3', 'processor', '10.0.1.12'],
      ['vm4', 'producers', '10.0.1.13'],
    ].map(([name = '', role = '', address = '']) => [
      ...[name, role, address],
      ['ssh', role],
      { Project: 'sluice', Name: name, Role: role },
    ]),
  )
  t.is(stack.name, 'sluice')
})

test('addresses count from the beginning of the subnet, and one outside of it is an error', (t) => {
  const host = { role: 'kafka' }

  t.is(declarationOf(withUp({ subnet: '10.1.0.64/26', hosts: { a: host } })).hosts[0]?.address, '10.1.0.74')
  t.throws(() => declarationOf(withUp({ hosts: { a: { ...host, address: '10.0.2.10' } } })), {
    message: 'USAGE  10.0.2.10 is not in the subnet 10.0.1.0/24',
  })
})

test('the five security groups let in exactly what the pipeline needs', (t) => {
  const groups = groupsOf(declarationOf(settings), ['203.0.113.7/32'])

  t.deepEqual(
    groups.flatMap(({ name, rules }) => rules.map(({ from, port }) => `${from.join(' ')} > ${name} ${port}`)),
    [
      '203.0.113.7/32 > ssh 22',
      'processor producers > kafka 9092',
      'processor > mongodb 27017',
      '203.0.113.7/32 > processor 8080',
    ],
  )
  t.deepEqual(
    groups.map(({ name }) => name),
    ['ssh', 'kafka', 'mongodb', 'processor', 'producers'],
  )
})

test('a bare address is a network of one; nobody is let in because nobody was named', (t) => {
  t.deepEqual(adminNetworks(withUp({ admin: ['203.0.113.7', '2001:db8::1', '192.0.2.0/24'] })), [
    '203.0.113.7/32',
    '2001:db8::1/128',
    '192.0.2.0/24',
  ])
  t.throws(() => adminNetworks(settings), { message: /^USAGE {2}nothing says from where/ })
})

test('the public key is one that AWS takes', (t) => {
  const folder = projectFolder(t, {
    'good.pub': 'ssh-ed25519 AAAAC3Nz me\n',
    'bad.pub': 'ecdsa-sha2-nistp256 AAAA me',
  })
  writeFileSync(join(folder, 'private'), '-----BEGIN OPENSSH PRIVATE KEY-----')

  t.is(readPublicKey(withUp({ publicKey: 'good.pub' }), folder), 'ssh-ed25519 AAAAC3Nz me')
  for (const publicKey of ['bad.pub', 'private']) {
    const error = t.throws(() => readPublicKey(withUp({ publicKey }), folder), {
      message: /ssh-ed25519 or ssh-rsa/,
    })
    t.false(error?.message.includes('PRIVATE'))
  }
})

test('the region of up is where the inventory looks, unless that is said itself', (t) => {
  const configured = (aws: object) =>
    awsSettings(projectFolder(t, { 'sluice.config.json': JSON.stringify({ aws }) }), {}).regions

  t.deepEqual(configured({ up: { region: 'eu-central-1' } }), ['eu-central-1'])
  t.deepEqual(configured({ regions: ['eu-west-1'], up: { region: 'eu-central-1' } }), ['eu-west-1'])
  t.is(configured({}), undefined)
})

test('the processor of a type of instance is told from its family', (t) => {
  const arm = ['t4g.small', 'm7g.large', 'c7gn.xlarge', 'r6gd.large', 'g5g.xlarge', 'im4gn.large', 'a1.large']
  const intel = ['t3.small', 'm5.large', 'g4dn.xlarge', 'g5.xlarge', 'c6i.large', 'p4d.24xlarge', 'm7a.large']

  t.deepEqual(
    arm.map(architectureOf),
    arm.map(() => 'arm64'),
  )
  t.deepEqual(
    intel.map(architectureOf),
    intel.map(() => 'x86_64'),
  )
})
