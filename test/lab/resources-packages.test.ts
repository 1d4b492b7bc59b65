import test from 'ava'
import { aptPackage } from '../../engine/resources/apt-package.ts'
import { sh } from '../../engine/shell.ts'
import { converge } from '../support/converge.ts'
import { ask, isRoot, needsRoot, useLab } from '../support/lab-hosts.ts'

if (isRoot) {
  const lab = useLab(test, 'kinds-packages', 1)
  const firstHost = () => {
    const host = lab().inventory.hosts[0]
    if (host === undefined) throw new TypeError('the lab has a host')
    return lab().connect(host)
  }

  test.serial('packages wait for others who fetch lists or configure packages', async (t) => {
    t.timeout(120_000)
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
    t.timeout(120_000)
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
} else {
  test.serial.skip(needsRoot, (t) => t.pass())
}
