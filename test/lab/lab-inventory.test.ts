import { existsSync, readdirSync, statSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import test from 'ava'
import { $ } from 'zx'
import { SluiceError } from '../../engine/errors.ts'
import { sshCommand } from '../../inventory/lab/known-hosts.ts'
import { bringUp, takeDown } from '../../inventory/lab/lifecycle.ts'
import { cutPower, rebootHost, startHost, stopHost } from '../../inventory/lab/power.ts'
import { labSettings } from '../../inventory/lab/settings.ts'
import { status } from '../../inventory/lab/status.ts'
import { labInventory } from '../../inventory/lab.ts'
import { projectFolder, sluice } from '../support/cli.ts'
import { isRoot, needsRoot, testLabName } from '../support/lab-hosts.ts'
import { labTraces } from '../support/lab-traces.ts'

const settings = labSettings(tmpdir(), { SLUICE_LAB_NAME: testLabName('itself'), SLUICE_LAB_COUNT: '2' })
const quiet = () => undefined
const onHost = isRoot ? test.serial : test.serial.skip
/** How long it took until hosts were there. */

/** Runs a command on a host, over SSH as a person would. */
async function on(host: string, command: string): Promise<string> {
  const { stdout } = await $({ quiet: true })`${await sshCommand(settings, host)} ${command}`
  return stdout.trim()
}

/** What nspawn keeps of the machines that run, of other labs too. */
const nspawnLocks = () =>
  existsSync('/run/systemd/nspawn/locks') ? readdirSync('/run/systemd/nspawn/locks') : []

if (!isRoot) test.skip(needsRoot, (t) => t.pass())

test.before(async (t) => {
  t.timeout(600_000)
  if (isRoot) await takeDown(settings, quiet)
})

test.after.always(async (t) => {
  t.timeout(600_000)
  if (isRoot) await takeDown(settings, quiet)
})

onHost('a lab that is not there says how to bring it up', async (t) => {
  const error = await t.throwsAsync(labInventory(settings), { instanceOf: SluiceError })
  t.is(error.code, 'LAB_UNAVAILABLE')
  t.regex(error.advice ?? '', /npm run lab -- up/)
})

onHost('an interrupted first run leaves nothing behind', async (t) => {
  for (const milliseconds of [0, 50, 100]) {
    const interruption = new AbortController()
    const progress = (message: string) => {
      if (message.startsWith('making vm1')) setTimeout(() => interruption.abort(), milliseconds)
    }
    const error = await t.throwsAsync(bringUp(settings, 2, progress, interruption.signal))
    t.true(error instanceof SluiceError && error.code === 'INTERRUPTED')
    t.deepEqual(await labTraces(settings), [], `after ${milliseconds} ms`)
  }
})

onHost('an interrupted run that adds a host takes back only that host', async (t) => {
  await bringUp(settings, 1, quiet)
  const interruption = new AbortController()
  const progress = (message: string) => {
    if (message.startsWith('making vm2')) setTimeout(() => interruption.abort(), 50)
  }
  await t.throwsAsync(bringUp(settings, 2, progress, interruption.signal))
  t.deepEqual(
    (await status(settings)).map(({ name, state }) => `${name} ${state}`),
    ['vm1 running', 'vm2 missing'],
  )
  await takeDown(settings, quiet)
})

onHost(
  'from nothing come hosts that a person logs in on by key, with known host keys and sudo',
  async (t) => {
    t.timeout(600_000)
    await bringUp(settings, 2, quiet)
    for (const host of ['vm1', 'vm2']) {
      t.is(
        await on(host, 'hostname; id -un; sudo id -un; systemctl is-system-running'),
        `${host}\nsluice\nroot\nrunning`,
      )
    }
  },
)

onHost('two runs at the same time make the same hosts', async (t) => {
  await takeDown(settings, quiet)
  await Promise.all([bringUp(settings, 2, quiet), bringUp(settings, 1, quiet)])
  t.deepEqual(
    (await status(settings)).map(({ name, state }) => `${name} ${state}`),
    ['vm1 running', 'vm2 running'],
  )
})

onHost('the inventory gives each host its own keys, its group, and addresses of both families', async (t) => {
  const { hosts, policy } = await labInventory(settings)
  t.deepEqual(
    hosts.map(({ name, user, groups }) => [name, user, ...groups]),
    [
      ['vm1', 'sluice', 'kafka'],
      ['vm2', 'sluice', 'mongodb'],
    ],
  )
  t.is(new Set(hosts.flatMap(({ hostKeys }) => hostKeys)).size, 4)
  t.regex(
    hosts[0]?.privateAddresses.join(' ') ?? '',
    /^10\.77\.\d+\.10 fd77:.*::10$|^10\.77\.0\.10 fd77::10$/,
  )
  t.deepEqual(
    policy.admin.map((network) => network.split('/')[1]),
    ['32', '128'],
  )
})

onHost('a host that shows another key than its own is not logged in on', async (t) => {
  const command = (await sshCommand(settings, 'vm1')).map((word) => word.replace(/\.10$/, '.11'))
  const pinned = [...command.slice(0, -1), '-o', 'HostKeyAlias=vm1', ...command.slice(-1)]
  const { exitCode, stderr } = await $({ quiet: true, nothrow: true })`${pinned} true`
  t.is(exitCode, 255)
  t.regex(stderr, /Host key verification failed/)
})

onHost('hosts reach one another by IPv4 and IPv6, until a firewall forbids it', async (t) => {
  const { hosts } = await labInventory(settings)
  const [vm1] = hosts
  const addresses = vm1?.privateAddresses ?? []
  const reach = (port: number) =>
    Promise.all(
      addresses.map((address) =>
        on('vm2', `timeout 5 bash -c '< /dev/tcp/${address}/${port}' && echo yes || echo no`),
      ),
    )
  await on('vm1', 'sudo systemd-run --quiet python3 -m http.server 8000 --bind ::')
  await on('vm1', 'until ss -Hltn | grep -q :8000; do sleep 0.05; done')
  t.deepEqual(await reach(8000), ['yes', 'yes'])
  await on('vm1', 'sudo ufw allow 22/tcp && sudo ufw --force enable')
  t.deepEqual(await reach(8000), ['no', 'no'])
  t.deepEqual(await reach(22), ['yes', 'yes'])
})

onHost('a host installs packages', async (t) => {
  t.timeout(600_000)
  await on('vm2', 'sudo apt-get update -q && sudo apt-get install -qy --no-install-recommends tree')
  t.regex(await on('vm2', 'tree --version'), /^tree v/)
})

onHost('a host comes back from a reboot with its files, as do all of them at once', async (t) => {
  t.timeout(600_000)
  await on('vm1', 'echo kept | sudo tee /root/mark')
  const boot = await on('vm1', 'cat /proc/sys/kernel/random/boot_id; sudo journalctl --list-boots | wc -l')
  await Promise.all([rebootHost(settings, 'vm1'), rebootHost(settings, 'vm2')])
  t.is(await on('vm1', 'sudo cat /root/mark; systemctl is-system-running'), 'kept\nrunning')
  t.not(await on('vm1', 'cat /proc/sys/kernel/random/boot_id; sudo journalctl --list-boots | wc -l'), boot)
})

onHost('a host that lost its power, or was stopped, starts again with its files', async (t) => {
  await on('vm1', 'echo written | sudo tee /root/before')
  await cutPower(settings, 'vm1')
  t.is((await status(settings))[0]?.state, 'stopped')
  t.is((await status(settings))[1]?.state, 'running')
  await startHost(settings, 'vm1')
  t.is(await on('vm1', 'sudo cat /root/before'), 'written')
  await stopHost(settings, 'vm2')
  const shown = await sluice(projectFolder(t), ['inventory', 'show', '-i', 'lab'], {
    SLUICE_LAB_NAME: settings.name,
    SLUICE_LAB_DIRECTORY: settings.directory,
  })
  t.is(shown.exitCode, 0, shown.stderr)
  t.regex(shown.stderr, /^off: vm2; sluice lab up switches on what is off$/m)
  await bringUp(settings, 2, quiet)
  t.is(await on('vm2', 'systemctl is-system-running'), 'running')
})

onHost('bringing up what is up changes nothing and says nothing', async (t) => {
  const before = (await status(settings)).map(({ name, state }) => [name, state])
  const boots = () =>
    Promise.all(['vm1', 'vm2'].map((host) => on(host, 'cat /proc/sys/kernel/random/boot_id')))
  const booted = await boots()
  const said: string[] = []
  await bringUp(settings, 2, (message) => said.push(message))
  t.deepEqual(said, [])
  t.deepEqual(await boots(), booted)
  t.true(
    isDeepStrictEqual(
      (await status(settings)).map(({ name, state }) => [name, state]),
      before,
    ),
  )
})

onHost('a host may use as much memory as its limit says', async (t) => {
  await stopHost(settings, 'vm2')
  await startHost({ ...settings, memoryLimitMb: 300 }, 'vm2')
  const hog = `sudo systemd-run --quiet --wait --pipe python3 -c 'bytearray(600 << 20); print("had it")' || echo refused`
  t.is(await on('vm2', hog), 'refused')
  t.is(await on('vm1', hog), 'had it')
})

onHost('taking the lab down leaves nothing behind', async (t) => {
  t.not((await labTraces(settings)).length, 0)
  const { dev, ino } = statSync(`${settings.directory}/hosts/vm1/merged`)
  t.true(nspawnLocks().includes(`inode-${dev}:${ino}`))
  await takeDown(settings, quiet)
  t.deepEqual(await labTraces(settings), [])
  t.false(nspawnLocks().includes(`inode-${dev}:${ino}`))
  await takeDown(settings, quiet)
})

onHost('a directory that has files of others in it is not taken for a lab, nor removed', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'sluice-lab-'))
  await writeFile(join(directory, 'precious'), '')
  const elsewhere = { ...settings, directory }
  const error = await t.throwsAsync(bringUp(elsewhere, 1, quiet), { instanceOf: SluiceError })
  t.is(error.code, 'LAB_UNAVAILABLE')
  await takeDown(elsewhere, quiet)
  t.deepEqual(readdirSync(directory), ['precious'])
  await rm(directory, { recursive: true })
})
