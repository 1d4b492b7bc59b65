import test from 'ava'
import { SluiceError } from '../../../../engine/errors.ts'
import { chosenInstances, hostsOf } from '../../../../inventory/aws/hosts.ts'
import type { Instance } from '../../../../inventory/aws/observation.ts'
import { mirrorOf } from '../../../../inventory/aws/security-groups.ts'
import type { AwsSettings } from '../../../../inventory/aws/settings.ts'
import { groupWith, instanceWith, observationWith, settingsWith } from './cloud.ts'

const hidden = instanceWith({ id: 'i-1', addresses: ['10.0.1.10'] })
const open = instanceWith({ id: 'i-2', addresses: ['10.0.1.11'], publicAddress: '203.0.113.11' })

function bastionWith(changes: Parameters<typeof instanceWith>[0] = {}): Instance {
  return instanceWith({
    id: 'i-b',
    addresses: ['10.0.1.5'],
    publicAddress: '203.0.113.5',
    tags: { Role: 'bastion', Name: 'door' },
    ...changes,
  })
}

/** Where SSH goes for each instance that is a host, and through which bastion. */
function ways(instances: Instance[], changes: Partial<AwsSettings> = {}): [string, string | undefined][] {
  const settings = settingsWith(changes)
  const observation = observationWith({ instances })
  const hosts = hostsOf(chosenInstances(observation, settings), observation, settings)
  return hosts.map(({ address, jump }) => [address, jump?.name])
}

test('hosts without a public address are reached through the bastion that runs', (t) => {
  t.deepEqual(ways([hidden, open, bastionWith()]), [
    ['10.0.1.10', 'door'],
    ['203.0.113.11', undefined],
  ])
})

test('without a bastion that runs, or where the private address is wanted, SSH goes to that directly', (t) => {
  t.deepEqual(ways([hidden, bastionWith({ state: 'stopped' })]), [['10.0.1.10', undefined]])
  t.deepEqual(ways([hidden, bastionWith()], { address: 'private' }), [['10.0.1.10', undefined]])
})

test('where the bastion is wanted, public addresses are not used, and none that runs is an error', (t) => {
  t.deepEqual(ways([open, bastionWith()], { address: 'bastion' }), [['10.0.1.11', 'door']])

  const error = t.throws(() => ways([open, bastionWith({ state: 'stopped' })], { address: 'bastion' }), {
    instanceOf: SluiceError,
  })

  t.is(error.code, 'INVENTORY_INVALID')
  t.is(error.at, 'i-2')
  t.regex(error.subject, /no instance runs that has the tag Role=bastion$/)
})

test('the bastion of a host is the nearest: of its network, else of its region, best of its zone', (t) => {
  const bastions = [
    bastionWith({ id: 'i-b4', tags: { Role: 'bastion', Name: 'network' }, network: 'vpc-1', zone: 'other' }),
    bastionWith({ id: 'i-b3', tags: { Role: 'bastion', Name: 'zone' }, network: 'vpc-1' }),
    bastionWith({ id: 'i-b2', tags: { Role: 'bastion', Name: 'region' }, network: 'vpc-2' }),
    bastionWith({ id: 'i-b1', tags: { Role: 'bastion', Name: 'far' }, region: 'us-east-1', zone: 'us' }),
  ]
  const chosenOf = (...left: Instance[]) => ways([{ ...hidden, network: 'vpc-1' }, ...left])[0]?.[1]

  t.is(chosenOf(...bastions), 'zone')
  t.is(chosenOf(...bastions.filter(({ id }) => id !== 'i-b3')), 'network')
  t.is(chosenOf(...bastions.filter(({ id }) => id < 'i-b3')), 'region')
  t.is(chosenOf(...bastions.filter(({ id }) => id < 'i-b2')), 'far')
})

test('a bastion has its own user and port where they are said, else those of its image and of the hosts', (t) => {
  const jumpWith = (changes: Partial<AwsSettings>) => {
    const observation = observationWith({ instances: [hidden, bastionWith()] })
    const { jump } = hostsOf([hidden], observation, settingsWith(changes))[0] ?? {}
    return `${jump?.user}@${jump?.address}:${jump?.port}`
  }

  t.is(jumpWith({}), 'ubuntu@203.0.113.5:22')
  t.is(jumpWith({ user: 'deploy', port: 2222 }), 'deploy@203.0.113.5:2222')
  t.is(jumpWith({ bastion: { role: 'bastion', user: 'jump', port: 443 } }), 'jump@203.0.113.5:443')
})

test('an instance is a bastion by a role, which may have another name', (t) => {
  const named = bastionWith({ tags: { Role: 'gateway', Name: 'door' } })

  t.deepEqual(ways([hidden, named], { bastion: { role: 'gateway' } }), [['10.0.1.10', 'door']])
})

test('a bastion with other roles is a host too, by the same way in, which never goes through itself', (t) => {
  const both = bastionWith({ tags: { Role: 'bastion kafka', Name: 'both' } })
  const settings = settingsWith({ bastion: { role: 'bastion', user: 'jump', port: 443 } })
  const observation = observationWith({ instances: [hidden, both] })

  const [behind, host] = hostsOf(chosenInstances(observation, settings), observation, settings)

  t.deepEqual(ways([hidden, both], { address: 'bastion' }), [
    ['10.0.1.10', 'both'],
    ['203.0.113.5', undefined],
  ])
  // By these sshd knows that the other host is behind it, and goes on forwarding there.
  t.is(behind?.jump?.address, host?.address)
  t.is(behind?.jump?.port, host?.port)
  t.is(behind?.jump?.user, host?.user)
  t.is(host?.jump, undefined)
  t.true(host?.groups.includes('kafka'))
})

test('where there are only bastions, the error says that they are only gone through', (t) => {
  const error = t.throws(() => ways([bastionWith()]), { instanceOf: SluiceError })

  t.is(error.code, 'INSTANCE_MISSING')
  t.is(error.why, 'there are: i-b has Role=bastion: it is only gone through')
})

test('the bastion comes in by the rule of its security group, with its private address', (t) => {
  const instance = {
    ...hidden,
    interfaces: [{ id: 'e', addresses: ['10.0.1.10'], securityGroups: ['sg-1'] }],
  }
  const rule = {
    protocol: 'tcp',
    fromPort: 22,
    toPort: 22,
    networks: [],
    prefixLists: [],
    groups: [{ id: 'sg-b' }],
  }
  const observation = observationWith({
    instances: [instance, bastionWith({ groups: ['sg-b'] })],
    securityGroups: [groupWith({ ingress: [rule] }), groupWith({ id: 'sg-b', name: 'bastion' })],
    members: { 'sg-b': ['10.0.1.5'] },
  })
  const hosts = hostsOf([instance], observation, settingsWith())

  const { policy } = mirrorOf([instance], hosts, observation)

  t.deepEqual(
    policy.rules.map(({ from, to, port }) => [from, to, port]),
    [[['10.0.1.5/32'], 'sg_kafka', 22]],
  )
})
