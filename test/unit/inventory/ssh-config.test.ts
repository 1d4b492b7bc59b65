import { writeFileSync } from 'node:fs'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { SluiceError } from '../../../engine/errors.ts'
import { pipelineRules } from '../../../inventory/policy.ts'
import { sshConfig } from '../../../inventory/ssh-config.ts'
import { projectFolder } from '../../support/cli.ts'

const hostKey = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl'

/** Reads a configuration of ssh as the inventory of a project whose section `sshConfig` is this. */
async function load(t: ExecutionContext, config: string, section: object) {
  const sshConfigSection = { file: 'config', ...section }
  const folder = projectFolder(t, {
    config,
    'sluice.config.json': JSON.stringify({ sshConfig: sshConfigSection }),
  })
  const said: string[] = []
  const progress = (message: string) => void said.push(message)
  const read = () => sshConfig.load({ projectDirectory: folder, create: false, progress })
  return { folder, said, read }
}

const fails = async (t: ExecutionContext, config: string, section: object): Promise<SluiceError> =>
  t.throwsAsync((await load(t, config, section)).read(), { instanceOf: SluiceError })

test('hosts that a group names are reached as ssh would reach them, others are left alone', async (t) => {
  const { read, said } = await load(
    t,
    `Host github.com
  User git
Host vm1
  HostName 10.0.1.10
Host vm3
  HostName vm3.example.org
  Port 2222
  User deploy
Host door
  HostName 203.0.113.5
  User ops
  Port 443
  ProxyJump none
Host vm*
  User admin
Host *
  ProxyJump door
`,
    {
      groups: { kafka: ['vm1'], processor: ['vm3'], site: ['vm*'] },
      privateAddresses: { vm3: ['10.0.1.12', 'fd77::12'] },
      admin: ['203.0.113.0/24'],
    },
  )

  const inventory = await read()

  const jump = {
    name: 'door',
    address: '203.0.113.5',
    port: 443,
    user: 'ops',
    hostKeys: [],
    privateAddresses: ['203.0.113.5'],
    groups: [],
    variables: {},
  }
  t.deepEqual(inventory.hosts, [
    {
      name: 'vm1',
      address: '10.0.1.10',
      port: 22,
      user: 'admin',
      hostKeys: [],
      privateAddresses: ['10.0.1.10'],
      groups: ['kafka', 'site'],
      variables: {},
      jump,
    },
    {
      name: 'vm3',
      address: 'vm3.example.org',
      port: 2222,
      user: 'deploy',
      hostKeys: [],
      privateAddresses: ['10.0.1.12', 'fd77::12'],
      groups: ['processor', 'site'],
      variables: {},
      jump,
    },
  ])
  t.deepEqual(inventory.policy, { admin: ['203.0.113.0/24'], rules: pipelineRules })
  t.deepEqual(said, [])
})

test('hosts that are gone through one after the other are behind one another', async (t) => {
  const { read } = await load(
    t,
    'Host inner\n HostName 10.0.0.2\nHost vm1\n HostName 10.0.1.10\n ProxyJump ops@outer:2222,inner\n',
    { groups: { kafka: ['vm1'] } },
  )

  const [host] = (await read()).hosts

  t.is(host?.jump?.name, 'inner')
  t.is(host?.jump?.address, '10.0.0.2')
  t.like(host?.jump?.jump, { name: 'ops@outer:2222', address: 'outer', user: 'ops', port: 2222 })
  t.is(host?.jump?.jump?.jump, undefined)
})

test('a key file that is there is the one to log in with; one that is not leaves it to the agent', async (t) => {
  const { folder, read } = await load(t, '', { groups: { kafka: ['vm*'] } })
  writeFileSync(join(folder, 'key-ops'), '')
  writeFileSync(
    join(folder, 'config'),
    `Host vm1\n HostName 10.0.1.10\n User ops\n IdentityFile ${folder}/key-%r\nHost vm2\n HostName 10.0.1.11\n IdentityFile ${folder}/absent\n`,
  )

  const { hosts } = await read()

  t.deepEqual(
    hosts.map(({ identityFile, user }) => [identityFile, user]),
    [
      [join(folder, 'key-ops'), 'ops'],
      [undefined, userInfo().username],
    ],
  )
})

test('a host key that is on record by another name, or in a file of its own, is found', async (t) => {
  const { folder, read } = await load(t, '', { groups: { kafka: ['vm*'] } })
  writeFileSync(join(folder, 'known'), `vm1.internal ${hostKey}\n`)
  writeFileSync(
    join(folder, 'config'),
    `Host vm1\n HostName 10.0.1.10\n HostKeyAlias vm1.internal\n UserKnownHostsFile ${folder}/known\n`,
  )

  t.deepEqual((await read()).hosts[0]?.hostKeys, [hostKey])
})

for (const [setting, keyword] of [
  ['ProxyCommand nc %h %p', 'ProxyCommand'],
  ['CertificateFile ~/.ssh/cert.pub', 'CertificateFile'],
  ['IdentityAgent ~/.agent', 'IdentityAgent'],
  ['AddressFamily inet6', 'AddressFamily'],
  ['BindAddress 127.0.0.1', 'BindAddress'],
  ['CanonicalizeHostname always', 'CanonicalizeHostname'],
] as const) {
  test(`${setting} is for ssh itself, which needs it in its own configuration`, async (t) => {
    const error = await fails(t, `Host vm1\n HostName 10.0.1.10\n ${setting}\n`, {
      groups: { kafka: ['vm1'] },
    })

    t.is(error.code, 'INVENTORY_INVALID')
    t.is(error.subject, `vm1 needs ssh itself, for ${keyword}, and ssh reads its own configuration then`)
    t.regex(error.advice ?? '', /put "Include .*\/config" into ~\/\.ssh\/config/)
  })
}

for (const [title, config, section, subject] of [
  ['no group', 'Host vm1\n', {}, /nothing says which hosts .* are meant/],
  ['a host that is not there', 'Host vm1\n', { groups: { kafka: ['vm2'] } }, /names "vm2" of kafka/],
  [
    'a name for an address',
    'Host vm1\n',
    { groups: { kafka: ['vm1'] } },
    /how the other hosts reach vm1 is not said: "vm1" is a name/,
  ],
  [
    'a word that ssh does not know',
    'Host vm1\n HostNam x\n',
    { groups: { kafka: ['vm1'] } },
    /ssh cannot say how to reach vm1/,
  ],
  [
    'a way in a circle',
    'Host vm1\n ProxyJump door\nHost door\n ProxyJump vm1\n',
    { groups: { kafka: ['vm1'] } },
    /the way to vm1 goes in a circle: vm1, through door, through vm1/,
  ],
  [
    'an account that no host can have',
    'Host vm1\n HostName 10.0.1.10\n User WORK\\me\n',
    { groups: { kafka: ['vm1'] } },
    /user should be an account name/,
  ],
] as const) {
  test(`${title} is an error`, async (t) => {
    const error = await fails(t, config, section)

    t.is(error.code, 'INVENTORY_INVALID')
    t.regex(error.subject, subject)
  })
}

test('what ssh says about its configuration is shown', async (t) => {
  const { why } = await fails(t, 'Host vm1\n HostNam x\n', { groups: { kafka: ['vm1'] } })

  t.regex(why ?? '', /config: line 2: Bad configuration option: hostnam/)
})

for (const [title, section, place] of [
  ['a word that is not known', { host: 'vm1' }, /host is not known/],
  [
    'a group that means something else',
    { groups: { admin: ['vm1'] } },
    /groups\/admin should have another name/,
  ],
  ['a network that is none', { admin: ['everywhere'] }, /admin\/0 should be a network/],
] as const) {
  test(`${title} in the section sshConfig is misuse with its place`, async (t) => {
    const error = await fails(t, 'Host vm1\n', section)

    t.is(error.code, 'USAGE')
    t.regex(error.subject, place)
  })
}
