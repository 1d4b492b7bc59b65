import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { projectFolder, sluice } from '../../../support/cli.ts'
import { documentsOf } from '../../../support/json-documents.ts'
import { hostKey } from '../multipass/stand-in.ts'
import { vagrantStandIn } from './stand-in.ts'

// A box and a hypervisor cannot be had by unit tests: a stand-in for the program answers, see stand-in.ts.

const up = ['up', '-i', 'vagrant', '--wait', '0']
const destroy = ['destroy', '-i', 'vagrant', '--yes']
const settings = (vagrant: object) => ({ 'sluice.config.json': JSON.stringify({ vagrant }) })
const two = { provider: 'libvirt', hosts: { vm1: { role: 'kafka' }, vm2: { role: 'mongodb' } } }
const machinesOf = (folder: string) =>
  JSON.parse(readFileSync(join(folder, '.sluice/vagrant/machines.json'), 'utf8'))

test('up writes a Vagrantfile of its own and makes four machines there; again, it changes nothing', async (t) => {
  const folder = projectFolder(t, { ...settings({ provider: 'libvirt' }), Vagrantfile: 'the user’s own' })
  const vagrant = vagrantStandIn(t)

  const first = await sluice(folder, up, { ...vagrant.environment, VAGRANT_CWD: '/tmp' })
  const second = await sluice(folder, up, vagrant.environment)

  t.is(first.exitCode, 0, first.stdout + first.stderr)
  t.deepEqual(
    vagrant.changes().map(({ words }) => words.join(' ')),
    ['up --provider libvirt vm1 vm2 vm3 vm4 --machine-readable'],
  )
  t.true(vagrant.changes()[0]?.folder.endsWith('/.sluice/vagrant'))
  t.deepEqual(
    Object.values<{ address: string }>(machinesOf(folder)).map(({ address }) => address),
    ['192.168.56.10', '192.168.56.11', '192.168.56.12', '192.168.56.13'],
  )
  t.is(second.exitCode, 0, second.stderr)
  t.regex(second.stdout, /vagrant +ok 2 +changed 0/)
  t.is(readFileSync(join(folder, 'Vagrantfile'), 'utf8'), 'the user’s own')
})

test('up --check shows what would be written and made, ends with 2, and does neither', async (t) => {
  const folder = projectFolder(t, settings(two))
  const vagrant = vagrantStandIn(t)

  const { exitCode, stdout } = await sluice(folder, [...up, '--check', '--diff'], vagrant.environment)

  t.is(exitCode, 2)
  t.regex(stdout, /\+Vagrant\.configure/)
  t.regex(stdout, /vm1 running, vm2 running/)
  t.deepEqual(vagrant.changes(), [])
  t.false(existsSync(join(folder, '.sluice/vagrant')))
})

test('up starts what is shut down and leaves what runs', async (t) => {
  const folder = projectFolder(t, settings(two))
  const vagrant = vagrantStandIn(t)
  await sluice(folder, up, vagrant.environment)
  vagrant.set({ machines: { vm1: 'shutoff', vm2: 'running' } })

  const { exitCode, stderr } = await sluice(folder, up, vagrant.environment)

  t.is(exitCode, 0, stderr)
  t.is(vagrant.changes()[1]?.words.join(' '), 'up --provider libvirt vm1 --machine-readable')
})

test('what Vagrant says while it works is said', async (t) => {
  const { stdout, stderr } = await sluice(projectFolder(t, settings(two)), up, vagrantStandIn(t).environment)

  t.regex(stdout + stderr, /vm1: Waiting for machine to boot\. This may take a few minutes/)
})

test('a machine that Vagrant did not finish is nobody’s host, and is made anew by the next up; finished ones stay', async (t) => {
  const folder = projectFolder(t, settings(two))
  const vagrant = vagrantStandIn(t, { machines: {}, broken: ['vm2'] })
  const failed = await sluice(folder, up, vagrant.environment)
  const shown = await sluice(folder, ['inventory', 'show', '-i', 'vagrant'], vagrant.environment)
  vagrant.set({ machines: vagrant.state().machines })

  const again = await sluice(folder, up, vagrant.environment)
  const third = await sluice(folder, up, vagrant.environment)

  t.is(failed.exitCode, 1)
  t.regex(
    failed.stdout + failed.stderr,
    /Timed out while waiting for the machine to boot\.\n +See its console, then try again\./,
  )
  t.regex(shown.stderr, /INSTANCE_MISSING {2}Vagrant began to make vm2 and did not finish/)
  t.is(again.exitCode, 0, again.stdout + again.stderr)
  t.deepEqual(
    vagrant.changes().map(({ words }) => words.join(' ')),
    [
      'up --provider libvirt vm1 vm2 --machine-readable',
      'destroy --force vm2 --machine-readable',
      'up --provider libvirt vm2 --machine-readable',
    ],
  )
  t.regex(third.stdout, /vagrant +ok 2 +changed 0/)
})

test('a machine that was only being started when that was cut short keeps what is on it', async (t) => {
  const folder = projectFolder(t, settings(two))
  const vagrant = vagrantStandIn(t)
  await sluice(folder, up, vagrant.environment)
  vagrant.set({ machines: { vm1: 'shutoff', vm2: 'running' }, broken: ['vm1'] })
  await sluice(folder, up, vagrant.environment)
  vagrant.set({ machines: { vm1: 'shutoff', vm2: 'running' } })

  const { exitCode } = await sluice(folder, up, vagrant.environment)

  t.is(exitCode, 0)
  t.false(vagrant.changes().some(({ words }) => words[0] === 'destroy'))
})

for (const [title, vagrant, seconds] of [
  ['QEMU computes it all', { driver: 'qemu' }, 1200],
  ['it is so declared', { driver: 'qemu', bootSeconds: 90 }, 90],
  ['nothing is said', {}, undefined],
] as const) {
  test(`Vagrant waits for a start as long as it should where ${title}`, async (t) => {
    const folder = projectFolder(t, settings({ ...two, ...vagrant }))

    await sluice(folder, up, vagrantStandIn(t).environment)

    t.is(machinesOf(folder).vm1.bootSeconds, seconds)
  })
}

test('a machine that is there may be waited for longer', async (t) => {
  const folder = projectFolder(t, settings(two))
  const vagrant = vagrantStandIn(t)
  await sluice(folder, up, vagrant.environment)
  writeFileSync(
    join(folder, 'sluice.config.json'),
    settings({ ...two, bootSeconds: 900 })['sluice.config.json'],
  )

  const { exitCode, stderr } = await sluice(folder, up, vagrant.environment)

  t.is(exitCode, 0, stderr)
  t.is(machinesOf(folder).vm1.bootSeconds, 900)
})

test('a machine that is made is not changed in its size, and the error says both', async (t) => {
  const folder = projectFolder(t, settings(two))
  const vagrant = vagrantStandIn(t)
  await sluice(folder, up, vagrant.environment)

  const { exitCode, stdout, stderr } = await sluice(
    folder,
    [...up, '--image', 'debian/trixie64'],
    vagrant.environment,
  )

  t.is(exitCode, 1)
  t.regex(stdout + stderr, /INSTANCE_CONFLICT.*box is debian\/bookworm64, should be debian\/trixie64/)
  t.is(machinesOf(folder).vm1.box, 'debian/bookworm64')
})

test('a machine that is declared no more stays known, so that destroy removes it too', async (t) => {
  const folder = projectFolder(t, settings(two))
  const vagrant = vagrantStandIn(t)
  await sluice(folder, up, vagrant.environment)
  const one = projectFolder(t, settings({ ...two, hosts: { vm1: two.hosts.vm1 } }))
  const changed = readFileSync(join(one, 'sluice.config.json'), 'utf8')
  writeFileSync(join(folder, 'sluice.config.json'), changed)

  const again = await sluice(folder, up, vagrant.environment)
  const gone = await sluice(folder, destroy, vagrant.environment)

  t.is(again.exitCode, 0, again.stdout + again.stderr)
  t.regex(again.stderr, /not declared any more, and left alone: vm2/)
  t.is(gone.exitCode, 0, gone.stderr)
  t.is(vagrant.changes().at(-1)?.words.join(' '), 'destroy --force vm1 vm2 --machine-readable')
  t.deepEqual(vagrant.state().machines, {})
  t.false(existsSync(join(folder, '.sluice/vagrant')))
})

test('what is kept of machines that are gone goes with destroy, and not with destroy --check', async (t) => {
  const folder = projectFolder(t, settings(two))
  const vagrant = vagrantStandIn(t)
  await sluice(folder, up, vagrant.environment)
  vagrant.set({ machines: {} })

  const checked = await sluice(folder, ['destroy', '-i', 'vagrant', '--check'], vagrant.environment)
  const after = existsSync(join(folder, '.sluice/vagrant'))
  const destroyed = await sluice(folder, destroy, vagrant.environment)

  t.is(checked.exitCode, 0, checked.stderr)
  t.true(after)
  t.is(destroyed.exitCode, 0, destroyed.stderr)
  t.regex(destroyed.stdout, /Nothing to remove/)
  t.false(existsSync(join(folder, '.sluice/vagrant')))
})

test('destroy where up was never run says that there is nothing', async (t) => {
  const vagrant = vagrantStandIn(t, { machines: { vm1: 'running' } })

  const { exitCode, stdout } = await sluice(projectFolder(t), destroy, vagrant.environment)

  t.is(exitCode, 0)
  t.regex(stdout, /Nothing to remove/)
  t.deepEqual(vagrant.changes(), [])
})

test('the inventory is what ssh-config says, with private addresses of ours and keys that were asked once', async (t) => {
  const folder = projectFolder(t, settings({ ...two, admin: ['192.0.2.1/32'] }))
  const vagrant = vagrantStandIn(t)
  await sluice(folder, up, vagrant.environment)

  const { exitCode, stdout, stderr } = await sluice(
    folder,
    ['inventory', 'show', '-i', 'vagrant', '--json'],
    vagrant.environment,
  )

  t.is(exitCode, 0, stderr)
  const [document] = documentsOf(stdout, 'inventory')
  if (document === undefined) throw new Error(stdout)
  const { hosts, policy } = document
  t.deepEqual(hosts[1], {
    name: 'vm2',
    address: '192.168.121.11',
    port: 22,
    user: 'vagrant',
    identityFile: vagrant.key,
    hostKeys: [hostKey],
    privateAddresses: ['192.168.56.11'],
    groups: ['mongodb'],
    variables: {},
  })
  t.deepEqual(policy.admin, ['192.0.2.1/32'])
  const kept = JSON.parse(readFileSync(join(folder, '.sluice/vagrant/host-keys.json'), 'utf8'))
  t.deepEqual(kept, { vm1: [hostKey], vm2: [hostKey] })
})

for (const [title, machines, code, advice] of [
  [
    'shut down',
    { vm1: 'running', vm2: 'shutoff' },
    'INSTANCE_NOT_RUNNING  not running: vm2 is shutoff',
    'start it: sluice up -i vagrant',
  ],
  [
    'gone',
    { vm1: 'running' },
    'INSTANCE_MISSING  Vagrant has no machine made here for vm2',
    'make them: sluice up -i vagrant',
  ],
  [
    'in a state of its own',
    { vm1: 'running', vm2: 'gurumeditation' },
    'vm2 is gurumeditation',
    'vagrant status vm2',
  ],
] as const) {
  test(`a machine that is ${title} is an error with what to do next`, async (t) => {
    const folder = projectFolder(t, settings(two))
    const vagrant = vagrantStandIn(t)
    await sluice(folder, up, vagrant.environment)
    vagrant.set({ machines })

    const { exitCode, stderr } = await sluice(
      folder,
      ['inventory', 'show', '-i', 'vagrant'],
      vagrant.environment,
    )

    t.is(exitCode, 1)
    t.true(stderr.includes(code), stderr)
    t.true(stderr.includes(advice), stderr)
  })
}

test('without Vagrant the error says how to install it', async (t) => {
  const { exitCode, stdout, stderr } = await sluice(projectFolder(t), up, { PATH: '/nowhere' })

  t.is(exitCode, 1)
  t.regex(stdout + stderr, /PROGRAM_MISSING {2}vagrant is not installed/)
  t.regex(stdout + stderr, /apt-get install vagrant vagrant-libvirt/)
})

for (const [title, vagrant, subject] of [
  ['a provider that is not known', { provider: 'vmware' }, /provider should be/],
  ['a network that is no \\/24', { network: '10.0.0.0/16' }, /network should be a \/24/],
  [
    'an address of another network',
    { hosts: { a: { role: 'kafka', address: '10.0.0.9' } } },
    /should be in 192\.168\.56\.0\/24/,
  ],
  [
    'an address that two hosts have',
    { hosts: { a: { role: 'kafka' }, b: { role: 'mongodb', address: '192.168.56.10' } } },
    /should be no other host’s/,
  ],
  ['a box that would be Ruby', { box: '#{exit}' }, /box should be the name of a box/],
] as const) {
  test(`${title} is named as wrong in the configuration`, async (t) => {
    const { exitCode, stderr } = await sluice(projectFolder(t, settings(vagrant)), up)

    t.is(exitCode, 64)
    t.regex(stderr, subject)
    t.regex(stderr, /sluice\.config\.json > vagrant/)
  })
}
