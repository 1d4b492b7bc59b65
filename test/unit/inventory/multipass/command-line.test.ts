import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { recordRun } from '../../../../engine/report/run-record.ts'
import { projectFolder, sluice } from '../../../support/cli.ts'
import { documentsOf } from '../../../support/json-documents.ts'
import { hostKey, multipassStandIn } from './stand-in.ts'

// Multipass is a snap and cannot be had here: a stand-in for its program answers, see stand-in.ts.

const up = ['up', '-i', 'multipass', '--wait', '0']
const settings = (multipass: object) => ({ 'sluice.config.json': JSON.stringify({ multipass }) })
const one = { prefix: 'shop', hosts: { vm1: { role: 'kafka' } } }

test('up launches four instances by words of their own, with our account and key; again, it changes nothing', async (t) => {
  const folder = projectFolder(t)
  const multipass = multipassStandIn(t)

  const first = await sluice(folder, up, multipass.environment)

  t.is(first.exitCode, 0, first.stderr)
  t.regex(first.stdout, /vm4 .*changed 1/)
  const launched = multipass.changes()
  t.is(launched.length, 4)
  const [{ words, input } = { words: [], input: '' }] = launched.filter(({ words: [, , name] }) =>
    name?.endsWith('-vm1'),
  )
  t.regex(words[2] ?? '', /^sluice-[0-9a-f]{6}-vm1$/)
  t.deepEqual(words.with(2, ''), [
    'launch',
    '-n',
    '',
    '-c',
    '2',
    '-m',
    '2G',
    '-d',
    '10G',
    '--cloud-init',
    '-',
    '24.04',
  ])
  const publicKey = readFileSync(join(folder, '.sluice/multipass/id_ed25519.pub'), 'utf8').trim()
  t.true(input.startsWith('#cloud-config\n'))
  const [, account] = JSON.parse(input.slice('#cloud-config\n'.length)).users
  t.is(account.name, 'sluice')
  t.deepEqual(account.ssh_authorized_keys, [publicKey])
  t.is(statSync(join(folder, '.sluice/multipass/id_ed25519')).mode & 0o777, 0o600)

  const second = await sluice(folder, up, multipass.environment)

  t.is(second.exitCode, 0, second.stderr)
  t.regex(second.stdout, /vm1 +ok 1 +changed 0/)
  t.is(multipass.changes().length, 4)
})

test('up --check says what would be launched, ends with 2, and neither launches nor writes anything', async (t) => {
  const folder = projectFolder(t, settings(one))
  const multipass = multipassStandIn(t)

  const { exitCode, stdout } = await sluice(folder, [...up, '--check'], multipass.environment)

  t.is(exitCode, 2)
  t.regex(stdout, /instance shop-vm1 .*image 24\.04/)
  t.deepEqual(multipass.changes(), [])
  t.false(existsSync(join(folder, '.sluice/multipass')))
})

test('up starts what is stopped and launches what is missing', async (t) => {
  const folder = projectFolder(
    t,
    settings({ ...one, hosts: { vm1: { role: 'kafka' }, vm2: { role: 'mongodb' } } }),
  )
  const multipass = multipassStandIn(t)
  await sluice(folder, up, multipass.environment)
  const [kept] = multipass.state().instances.filter(({ name }) => name === 'shop-vm1')
  multipass.set({ instances: kept === undefined ? [] : [{ ...kept, state: 'Stopped', ipv4: [] }] })

  const { exitCode, stderr } = await sluice(folder, up, multipass.environment)

  t.is(exitCode, 0, stderr)
  const words = multipass
    .changes()
    .slice(2)
    .map((call) => call.words.slice(0, 3).join(' '))
  t.deepEqual(words.sort(), ['launch -n shop-vm2', 'start shop-vm1'])
})

test('up does not bring back what was deleted, and says how that is done or undone', async (t) => {
  const folder = projectFolder(t, settings(one))
  const multipass = multipassStandIn(t)
  await sluice(folder, up, multipass.environment)
  multipass.set({ instances: [{ name: 'shop-vm1', state: 'Deleted', ipv4: [] }] })

  const { exitCode, stdout, stderr } = await sluice(folder, up, multipass.environment)

  t.is(exitCode, 1)
  t.regex(stdout + stderr, /INSTANCE_NOT_RUNNING {2}shop-vm1 is Deleted, from which it is not started/)
  t.regex(stdout + stderr, /multipass recover shop-vm1.*multipass delete --purge shop-vm1/)
  t.is(multipass.changes().length, 1)
})

test('the sizes of each host and what is typed are heeded', async (t) => {
  const hosts = { vm1: { role: 'kafka', cpus: 4, memory: '6G' } }
  const folder = projectFolder(t, settings({ prefix: 'shop', hosts }))
  const multipass = multipassStandIn(t)

  await sluice(folder, [...up, '--image', 'jammy', '--disk-gb', '30'], multipass.environment)

  t.is(multipass.changes()[0]?.words.join(' '), 'launch -n shop-vm1 -c 4 -m 6G -d 30G --cloud-init - jammy')
})

test('an instance of the same name that was not made here is left alone, by up and by destroy', async (t) => {
  const folder = projectFolder(t, settings(one))
  const foreign = { name: 'shop-vm1', state: 'Running', ipv4: ['127.0.0.9'] }
  const multipass = multipassStandIn(t, { instances: [foreign] })

  const made = await sluice(folder, up, multipass.environment)
  const destroyed = await sluice(folder, ['destroy', '-i', 'multipass', '--yes'], multipass.environment)

  t.is(made.exitCode, 1)
  t.regex(made.stdout + made.stderr, /INSTANCE_CONFLICT {2}shop-vm1 is there, and nothing on record/)
  t.regex(destroyed.stdout, /Nothing to remove/)
  t.deepEqual(multipass.state().instances, [foreign])
  t.deepEqual(multipass.changes(), [])
})

test('an instance of another size than declared is an error that says both, and stays as it is', async (t) => {
  const folder = projectFolder(t, settings(one))
  const multipass = multipassStandIn(t)
  await sluice(folder, up, multipass.environment)

  const { exitCode, stdout, stderr } = await sluice(folder, [...up, '--disk-gb', '30'], multipass.environment)

  t.is(exitCode, 1)
  t.regex(stdout + stderr, /INSTANCE_CONFLICT.*disk is 10G, should be 30G/)
  t.is(multipass.changes().length, 1)
})

test('destroy removes for good what up made, nothing else, and the key with it', async (t) => {
  const folder = projectFolder(
    t,
    settings({ ...one, hosts: { vm1: { role: 'kafka' }, vm2: { role: 'mongodb' } } }),
  )
  const others = [
    { name: 'primary', state: 'Running', ipv4: ['127.0.0.8'] },
    { name: 'shop-vm3', state: 'Deleted', ipv4: [] },
  ]
  const multipass = multipassStandIn(t, { instances: others })
  await sluice(folder, up, multipass.environment)
  const [, , vm1, vm2] = multipass.state().instances
  // One of ours was deleted by hand, and not purged.
  if (vm1 && vm2) multipass.set({ instances: [...others, vm1, { ...vm2, state: 'Deleted' }] })

  const asked = await sluice(folder, ['destroy', '-i', 'multipass'], multipass.environment)
  const { exitCode, stdout, stderr } = await sluice(
    folder,
    ['destroy', '-i', 'multipass', '--yes'],
    multipass.environment,
  )

  t.is(asked.exitCode, 64)
  t.is(exitCode, 0, stderr)
  t.regex(stdout, /All of it is gone/)
  t.deepEqual(multipass.state().instances, others)
  const removals = multipass
    .changes()
    .slice(2)
    .map(({ words }) => words.join(' '))
  t.deepEqual(removals.sort(), ['delete --purge shop-vm1', 'delete --purge shop-vm2'])
  t.false(existsSync(join(folder, '.sluice/multipass')))
})

test('destroy --check shows what would go, ends with 2, and removes nothing; there is no plan of it to keep', async (t) => {
  const folder = projectFolder(t, settings(one))
  const multipass = multipassStandIn(t)
  await sluice(folder, up, multipass.environment)
  const destroy = (...words: string[]) =>
    sluice(folder, ['destroy', '-i', 'multipass', '--check', ...words], multipass.environment)

  const { exitCode, stdout, stderr } = await destroy()
  const kept = await destroy('--out', 'plan.json')

  t.is(exitCode, 2, stderr)
  t.regex(stdout, /- instance shop-vm1 {2}state present → absent/)
  t.regex(stdout, /1 resource on 1 host would be removed; nothing was changed/)
  t.is(multipass.changes().length, 1)
  t.true(existsSync(join(folder, '.sluice/multipass/vm1.json')))
  t.is(kept.exitCode, 64)
  t.regex(kept.stderr, /USAGE {2}the hosts of multipass .* go as a whole[\s\S]*--check alone shows what goes/)
})

test('instances are not removed while a run is at them', async (t) => {
  const folder = projectFolder(t, settings(one))
  const multipass = multipassStandIn(t)
  await sluice(folder, up, multipass.environment)
  const run = recordRun(folder, { playbook: 'provision', inventory: 'multipass', version: '0' })
  t.teardown(() => run.close())

  const { exitCode, stderr } = await sluice(
    folder,
    ['destroy', '-i', 'multipass', '--yes'],
    multipass.environment,
  )

  t.is(exitCode, 1)
  t.regex(stderr, /^HOST_LOCKED {2}a run is at the hosts of multipass, and nothing was removed$/m)
  t.is(multipass.state().instances.length, 1)
})

test('instances that are gone are forgotten by destroy, and not by destroy --check', async (t) => {
  const folder = projectFolder(t, settings(one))
  const multipass = multipassStandIn(t)
  await sluice(folder, up, multipass.environment)
  multipass.set({ instances: [] })
  const destroy = (...words: string[]) =>
    sluice(folder, ['destroy', '-i', 'multipass', ...words], multipass.environment)
  const record = join(folder, '.sluice/multipass/vm1.json')

  const checked = await destroy('--check')
  const after = existsSync(record)
  const destroyed = await destroy('--yes')

  t.is(checked.exitCode, 0, checked.stderr)
  t.regex(checked.stdout, /Nothing to remove/)
  t.true(after)
  t.is(destroyed.exitCode, 0, destroyed.stderr)
  t.regex(destroyed.stdout, /Nothing to remove/)
  t.false(existsSync(record))
  t.false(existsSync(join(folder, '.sluice/multipass/id_ed25519')))
})

test('the inventory is the running instances, with keys that Multipass was asked for once', async (t) => {
  const folder = projectFolder(t, settings({ ...one, admin: ['192.0.2.1/32'] }))
  const multipass = multipassStandIn(t)
  await sluice(folder, up, multipass.environment)
  const show = ['inventory', 'show', '-i', 'multipass', '--json']

  const { exitCode, stdout, stderr } = await sluice(folder, show, multipass.environment)

  t.is(exitCode, 0, stderr)
  const [document] = documentsOf(stdout, 'inventory')
  if (document === undefined) throw new Error(stdout)
  const { hosts, policy } = document
  t.deepEqual(hosts, [
    {
      name: 'vm1',
      address: '127.0.0.10',
      port: 22,
      user: 'sluice',
      identityFile: join(folder, '.sluice/multipass/id_ed25519'),
      hostKeys: [hostKey],
      privateAddresses: ['127.0.0.10'],
      groups: ['kafka'],
      variables: {},
    },
  ])
  t.deepEqual(policy.admin, ['192.0.2.1/32'])
  const [record = ''] = readdirSync(join(folder, '.sluice/multipass')).filter((file) => file === 'vm1.json')
  t.deepEqual(JSON.parse(readFileSync(join(folder, '.sluice/multipass', record), 'utf8')).hostKeys, [hostKey])
})

for (const [state, advice] of [
  ['Stopped', /do {3}start it: sluice up -i multipass/],
  ['Deleted', /do {3}bring it back \(multipass recover shop-vm1\)/],
  ['Starting', /do {3}wait until it has started/],
] as const) {
  test(`an instance that is ${state} is an error with what to do next`, async (t) => {
    const folder = projectFolder(t, settings(one))
    const multipass = multipassStandIn(t)
    await sluice(folder, up, multipass.environment)
    multipass.set({ instances: [{ name: 'shop-vm1', state, ipv4: [] }] })

    const { exitCode, stderr } = await sluice(
      folder,
      ['inventory', 'show', '-i', 'multipass'],
      multipass.environment,
    )

    t.is(exitCode, 1)
    t.true(stderr.includes(`INSTANCE_NOT_RUNNING  not running: shop-vm1 is ${state}`), stderr)
    t.regex(stderr, advice)
  })
}

test('before up there is nothing to show, and the error says what makes it', async (t) => {
  const multipass = multipassStandIn(t)
  const show = ['inventory', 'show', '-i', 'multipass']

  const { exitCode, stderr } = await sluice(projectFolder(t), show, multipass.environment)

  t.is(exitCode, 1)
  t.regex(stderr, /INSTANCE_MISSING {2}.*vm1, vm2, vm3, vm4/)
  t.regex(stderr, /make them: sluice up -i multipass/)
})

test('without Multipass every command says how to install it', async (t) => {
  for (const words of [up, ['inventory', 'show', '-i', 'multipass']]) {
    const { exitCode, stdout, stderr } = await sluice(projectFolder(t), words, { PATH: '/usr/bin:/bin' })

    t.is(exitCode, 1)
    t.regex(stdout + stderr, /PROGRAM_MISSING {2}multipass is not installed/)
    t.regex(stdout + stderr, /snap install multipass/)
  }
})

test('what Multipass says when it cannot is repeated, with the command line that it was', async (t) => {
  // As the client of 1.13 says it when its service does not run.
  const failure = 'cannot connect to the multipass socket'
  const multipass = multipassStandIn(t, { instances: [], failure })

  const { exitCode, stdout, stderr } = await sluice(
    projectFolder(t, settings(one)),
    ['inventory', 'show', '-i', 'multipass'],
    multipass.environment,
  )

  t.is(exitCode, 1)
  t.regex(stdout + stderr, /PROGRAM_FAILED {2}multipass list ended with 2/)
  t.regex(stdout + stderr, /why {2}list failed: cannot connect to the multipass socket/)
})

for (const [title, multipass, subject] of [
  ['a prefix that no instance may have', { prefix: '1-shop' }, /prefix should be letters, digits and "-"/],
  ['an image that would be an option', { image: '--all' }, /image should be an image/],
  ['a size without a unit', { memory: '2048' }, /memory should be a size such as 2G/],
  ['a host name with a dot', { hosts: { 'a.b': { role: 'kafka' } } }, /should be letters, digits and "-"/],
  ['a misspelt setting', { cpu: 2 }, /cpu is not known/],
  ['something that is no section', 3, /should be Object/],
] as const) {
  test(`${title} is named as wrong in the configuration`, async (t) => {
    const folder = projectFolder(t, { 'sluice.config.json': JSON.stringify({ multipass }) })

    const { exitCode, stderr } = await sluice(folder, up)

    t.is(exitCode, 64)
    t.regex(stderr, subject)
    t.regex(stderr, /sluice\.config\.json > multipass/)
  })
}

test('an option that only a cloud has is refused', async (t) => {
  const { exitCode, stderr } = await sluice(projectFolder(t), [...up, '--type', 't3.small'])

  t.is(exitCode, 64)
  t.regex(stderr, /--type says nothing about instances of Multipass/)
})
