import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { $ } from 'zx'
import { Vagrant } from '../../inventory/vagrant/client.ts'
import { vagrantSettings } from '../../inventory/vagrant/settings.ts'
import { Workplace } from '../../inventory/vagrant/workplace.ts'
import { projectFolder } from '../support/cli.ts'
import { debianProgram } from '../support/debian-program.ts'

// The real Vagrant of Debian with its libvirt plugin. Machines are not made: that takes a box and a hypervisor.
const plugin = await debianProgram('vagrant-libvirt', [
  '/usr/share/vagrant-plugins/plugins.d/vagrant-libvirt.json',
])
const reason = 'missing' in plugin ? plugin.missing : undefined
if (reason !== undefined) console.error(`test/integration/vagrant.test.ts: ${reason}`)
const withVagrant = reason === undefined ? test.serial : test.serial.skip

/** Vagrant keeps boxes and its index of machines there: these tests have their own. */
const home = mkdtempSync(join(tmpdir(), 'sluice-vagrant-home-'))
process.env.VAGRANT_HOME = home
test.after.always(() => rmSync(home, { recursive: true, force: true }))

const configuration = (vagrant: object) => ({ 'sluice.config.json': JSON.stringify({ vagrant }) })

for (const provider of ['libvirt', 'virtualbox'] as const) {
  withVagrant(`our Vagrantfile is valid for ${provider}, with every setting`, async (t) => {
    t.timeout(600_000)
    const hosts = { a: { role: 'kafka' }, 'b-2': { role: 'mongodb', address: '192.168.56.77', cpus: 1 } }
    const settings = { provider, boxVersion: '>= 12, < 13', driver: 'qemu', bootSeconds: 600, hosts }
    const folder = projectFolder(t, configuration(settings))
    const workplace = new Workplace(folder)
    await workplace.write(vagrantSettings(folder).machines)

    // Without VirtualBox its own part cannot be asked of it.
    const words = provider === 'virtualbox' ? ['--ignore-provider'] : []
    const said = await $({ cwd: workplace.folder, quiet: true, nothrow: true })`vagrant validate ${words}`

    t.is(said.exitCode, 0, said.stdout + said.stderr)
    t.regex(said.stdout, /validated successfully/)
  })
}

withVagrant('machines that were never made are such, each by its name', async (t) => {
  t.timeout(600_000)
  const folder = projectFolder(t, configuration({ provider: 'libvirt' }))
  const workplace = new Workplace(folder)
  await workplace.write(vagrantSettings(folder).machines)

  t.deepEqual(
    [...(await workplace.vagrant.status())],
    ['vm1', 'vm2', 'vm3', 'vm4'].map((name) => [name, 'not_created']),
  )
  t.is((await workplace.states()).size, 0)
})

withVagrant('whatever the user has set, Vagrant looks at our Vagrantfile', async (t) => {
  t.timeout(600_000)
  const folder = projectFolder(t, configuration({ provider: 'libvirt', hosts: { ours: { role: 'kafka' } } }))
  const elsewhere = realpathSync(mkdtempSync(join(tmpdir(), 'sluice-vagrant-other-')))
  t.teardown(() => rmSync(elsewhere, { recursive: true }))
  writeFileSync(
    join(elsewhere, 'Vagrantfile'),
    `Vagrant.configure('2') { |config| config.vm.define 'theirs' }\n`,
  )
  const workplace = new Workplace(folder)
  await workplace.write(vagrantSettings(folder).machines)
  process.env.VAGRANT_CWD = elsewhere
  process.env.VAGRANT_DOTFILE_PATH = elsewhere
  t.teardown(() => {
    delete process.env.VAGRANT_CWD
    delete process.env.VAGRANT_DOTFILE_PATH
  })

  t.deepEqual([...(await workplace.vagrant.status()).keys()], ['ours'])
})

withVagrant('what Vagrant says when it cannot is repeated', async (t) => {
  t.timeout(600_000)
  const folder = projectFolder(t, configuration({ provider: 'libvirt' }))
  const workplace = new Workplace(folder)
  await workplace.write(vagrantSettings(folder).machines)

  const error = await t.throwsAsync(new Vagrant(workplace.folder).sshConfig(['vm1']))

  t.regex(error?.message ?? '', /PROGRAM_FAILED {2}vagrant ssh-config ended with 1/)
  t.regex(String((error as { why?: string }).why), /not yet ready for SSH/)
})
