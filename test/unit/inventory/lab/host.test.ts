import { tmpdir } from 'node:os'
import test from 'ava'
import { parseHierarchies } from '../../../../inventory/lab/cgroup.ts'
import { inactiveFileCache } from '../../../../inventory/lab/cgroup-memory.ts'
import { hostsFile, networkFile } from '../../../../inventory/lab/host-files.ts'
import { nspawnCommand } from '../../../../inventory/lab/nspawn.ts'
import { missingPackages } from '../../../../inventory/lab/prerequisites.ts'
import { labSettings } from '../../../../inventory/lab/settings.ts'

const settings = labSettings(tmpdir(), { SLUICE_LAB_NAME: 'mine', SLUICE_LAB_DIRECTORY: '/srv/lab' })

test('a host runs from its overlay, on the bridge of its lab, and halts in order on SIGTERM', (t) => {
  const command = nspawnCommand(settings, 'vm1')
  t.is(command[0], 'systemd-nspawn')
  for (const option of [
    '--directory=/srv/lab/hosts/vm1/merged',
    '--machine=mine-vm1',
    '--hostname=vm1',
    '--network-bridge=sluice-mine',
    '--kill-signal=SIGRTMIN+3',
    '--register=no',
    '--keep-unit',
    '--link-journal=no',
  ]) {
    t.true(command.includes(option), option)
  }
})

test('a host knows its own name without asking name servers', (t) => {
  t.true(hostsFile('vm3').split('\n').includes('127.0.1.1 vm3'))
})

test('a host has its static addresses of both families', (t) => {
  const file = networkFile({ network: '10.77.1.0/24', network6: 'fd77:0:0:1::/64' }, 2)
  t.true(file.includes('Address=10.77.1.11/24\n'))
  t.true(file.includes('Address=fd77:0:0:1::11/64\n'))
  t.true(file.includes('Gateway=10.77.1.1\n'))
})

test('with cgroup v1 a host gets a group in each hierarchy that systemd or a limit needs', (t) => {
  const mounts = [
    'cgroup /sys/fs/cgroup/cpu,cpuacct cgroup rw,relatime,cpu,cpuacct 0 0',
    'cgroup /sys/fs/cgroup/cpuset cgroup rw,relatime,cpuset 0 0',
    'cgroup /sys/fs/cgroup/memory cgroup rw,relatime,memory 0 0',
    'cgroup /sys/fs/cgroup/systemd cgroup rw,relatime,name=systemd 0 0',
    'cgroup2 /sys/fs/cgroup/unified cgroup2 rw,relatime 0 0',
    'cgroup /srv/lab/hosts/vm1/merged/sys/fs/cgroup/memory cgroup rw,memory 0 0',
  ].join('\n')
  t.deepEqual(parseHierarchies(mounts), [
    { path: '/sys/fs/cgroup/cpu,cpuacct', version: 1 },
    { path: '/sys/fs/cgroup/memory', version: 1 },
    { path: '/sys/fs/cgroup/systemd', version: 1 },
    { path: '/sys/fs/cgroup/unified', version: 2 },
  ])
})

test('with cgroup v2 alone there is one hierarchy', (t) => {
  t.deepEqual(parseHierarchies('cgroup2 /sys/fs/cgroup cgroup2 rw,nosuid 0 0\n'), [
    { path: '/sys/fs/cgroup', version: 2 },
  ])
})

test('file cache is counted with what is below a cgroup, for either version', (t) => {
  t.is(inactiveFileCache('inactive_file 1\ntotal_inactive_file 20\n'), 20)
  t.is(inactiveFileCache('anon 5\ninactive_file 7\n'), 7)
  t.is(inactiveFileCache(''), 0)
})

test('packages are missing when their command is', (t) => {
  t.deepEqual(
    missingPackages((command) => command !== 'nft' && command !== 'mmdebstrap'),
    ['mmdebstrap', 'nftables'],
  )
  t.deepEqual(
    missingPackages(() => true),
    [],
  )
})
