import test from 'ava'
import { factsScript, parseFacts } from '../../engine/facts.ts'
import { resourceName } from '../../engine/resource.ts'
import { aptPackage } from '../../engine/resources/apt-package.ts'
import { sh } from '../../engine/shell.ts'
import { base } from '../../roles/base.ts'
import { converge } from '../support/converge.ts'
import {
  ask,
  connectFirst,
  differences,
  fingerprint,
  isRoot,
  needsRoot,
  useLab,
} from '../support/lab-hosts.ts'
import { pipelineContext } from '../support/role-context.ts'

if (isRoot) {
  const lab = useLab(test, 'kinds-packages', 1)
  const firstHost = () => connectFirst(lab())

  test.serial('packages wait for others who fetch lists or configure packages', async (t) => {
    t.timeout(600_000)
    const connection = await firstHost()
    // As apt and dpkg take them.
    const hold = `
      use Fcntl;
      for my $name ("/var/lib/apt/lists/lock", "/var/lib/dpkg/lock-frontend") {
        open(my $file, ">", $name) or die;
        my $lock = pack("s s x4 q q i x4", F_WRLCK, 0, 0, 0, 0);
        fcntl($file, F_SETLK, $lock) or die;
        push(@files, $file);
      }
      open(my $held, ">", "/run/busy-apt");
      sleep(8);`
    await ask(
      connection,
      sh`printf %s ${hold} > /tmp/hold.pl; systemd-run --quiet --unit=busy-apt perl /tmp/hold.pl; rm -rf /var/lib/sluice/apt-lists /var/lib/apt/lists/*Packages*`,
    )
    await ask(
      connection,
      sh`until [ -e /run/busy-apt ]; do systemctl is-active --quiet busy-apt; sleep 0.1; done`,
    )

    const installed = await converge(connection, [aptPackage({ name: 'hello' })])
    await converge(connection, [aptPackage({ name: 'hello' })], { mode: 'remove' })

    t.is(installed.error, undefined)
    t.deepEqual(installed.changed, ['package hello'])
    connection.close()
  })

  test.serial('a removal of packages leaves those that nobody needs and others brought', async (t) => {
    t.timeout(600_000)
    const connection = await firstHost()
    await ask(connection, sh`apt-get --quiet --quiet --yes install patch; apt-mark auto patch`)
    await converge(connection, [aptPackage({ name: 'aspell' })])
    const brought = await ask(
      connection,
      sh`dpkg-query --show --showformat='\${db:Status-Status}' libaspell15`,
    )

    const removed = await converge(connection, [aptPackage({ name: 'aspell' })], { mode: 'remove' })

    t.is(brought, 'installed')
    t.is(removed.error, undefined)
    t.is(
      await ask(
        connection,
        sh`dpkg-query --show --showformat='\${Package} \${db:Status-Status}\\n' patch aspell libaspell15 2>/dev/null || :; ls /var/lib/sluice/made 2>/dev/null || :`,
      ),
      'patch installed',
    )
    await ask(connection, sh`apt-get --quiet --quiet --yes purge patch`)
    connection.close()
  })

  test.serial(
    'a package that cannot be beside one that is there is refused, and nothing is removed',
    async (t) => {
      t.timeout(600_000)
      const connection = await firstHost()
      const before = await fingerprint(connection)

      const { error } = await converge(connection, [aptPackage({ name: 'inetutils-ping' })])

      t.is(error?.code, 'STEP_FAILED')
      t.regex(error?.why ?? '', /apt would remove these to install inetutils-ping: iputils-ping/)
      t.regex(
        error?.advice ?? '',
        /^remove those on the host yourself \(apt-get remove\) if nobody needs them, or /,
      )
      t.deepEqual(differences(before, await fingerprint(connection)), [])
      connection.close()
    },
  )

  test.serial(
    'a time daemon that somebody chose keeps the clock, and no other is installed beside it',
    async (t) => {
      t.timeout(600_000)
      const connection = await firstHost()
      const timePackages = async () => {
        const facts = parseFacts(await ask(connection, factsScript), 'vm1')
        const context = pipelineContext('vm1', { facts: { ...facts, container: false } })
        const resources = base.resources(base.read({}, 'vm1'), context)
        return resources.map(resourceName).filter((name) => name.includes('timesyncd'))
      }
      const without = await timePackages()
      await ask(connection, sh`apt-get --quiet --quiet --yes --no-install-recommends install chrony`)

      const beside = await timePackages()
      const { error } = await converge(connection, [aptPackage({ name: 'systemd-timesyncd' })])
      const kept = await ask(
        connection,
        sh`systemctl is-enabled chrony; dpkg-query --show --showformat='\${db:Status-Status}' chrony`,
      )
      await ask(connection, sh`apt-get --quiet --quiet --yes purge chrony`)

      t.deepEqual(without, ['package systemd-timesyncd', 'unit systemd-timesyncd.service'])
      t.deepEqual(beside, [])
      t.regex(error?.why ?? '', /apt would remove these to install systemd-timesyncd: chrony/)
      t.is(kept, 'enabled\ninstalled')
      connection.close()
    },
  )
} else {
  test.serial.skip(needsRoot, (t) => t.pass())
}
