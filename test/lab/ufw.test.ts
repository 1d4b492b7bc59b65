import test from 'ava'
import { aptPackage } from '../../engine/resources/apt-package.ts'
import { ufw } from '../../engine/resources/ufw.ts'
import { type Script, sh } from '../../engine/shell.ts'
import type { Connection } from '../../engine/transport/connection.ts'
import { converge } from '../support/converge.ts'
import { ask, isRoot, needsRoot, useLab } from '../support/lab-hosts.ts'

if (isRoot) {
  const lab = useLab(test, 'ufw', 1)
  let connection: Connection | undefined
  /** After a guarded change the run goes on by the connection that has proven it. */
  const reconnect = async () => {
    const host = lab().inventory.hosts[0]
    if (host === undefined) throw new TypeError('the lab has a host')
    connection = await lab().connect(host)
    return connection
  }
  const connected = async () => connection ?? reconnect()
  const run = async (mode: 'apply' | 'remove' = 'apply') =>
    converge(await connected(), declared(), { mode, reconnect })
  const tell = async (script: Script) => ask(await connected(), script)
  test.after.always(() => connection?.close())
  const declared = () => {
    const { admin } = lab().inventory.policy
    return [
      aptPackage({ name: 'ufw' }),
      ufw({
        rules: [
          ...admin.map((from) => ({ from, port: 22, protocol: 'tcp' as const, comment: 'the way in' })),
          { from: '10.9.0.1', port: '8000:8100', protocol: 'tcp' },
          { from: 'fd99::1', port: '8000:8100', protocol: 'udp' },
          { from: '0.0.0.0/0', protocol: 'udp' },
          { from: '10.9.0.2', protocol: 'all' },
          { from: 'fd99::/64', protocol: 'all' },
          { from: '0.0.0.0/0', protocol: 'all' },
          { from: '10.9.0.3', protocol: 'esp' },
          { from: 'fd99::3', protocol: 'gre' },
          { from: '10.9.0.0/16', protocol: 'icmp', type: '8' },
          { from: '0.0.0.0/0', protocol: 'icmp', type: '3/4' },
          { from: '10.9.0.4', protocol: 'icmp' },
          { from: 'fd99::/64', protocol: 'icmpv6', type: '128' },
          { from: '::/0', protocol: 'icmpv6' },
        ],
      }),
    ]
  }

  test.serial('rules of every kind are in force at once, and a second run finds nothing to do', async (t) => {
    t.timeout(600_000)
    const first = await run()
    const second = await run()

    t.is(first.error, undefined)
    t.deepEqual(first.changed, ['ufw rules'])
    t.deepEqual(second.planned, [])
    const status = await tell(sh`ufw status`)
    t.regex(status, /^8000:8100\/tcp +ALLOW +10\.9\.0\.1 *$/m)
    t.regex(status, /^Anywhere \(v6\) +ALLOW +fd99::\/64 *$/m)
    t.regex(status, /^Anywhere +ALLOW +10\.9\.0\.3\/esp *$/m)
    t.is(await tell(sh`ls /etc/ufw | grep sluice || echo none`), 'none')
  })

  test.serial('ufw reads the same from its files: after its own reload nothing differs', async (t) => {
    await tell(sh`ufw reload`)

    const { planned } = await run()

    t.deepEqual(planned, [])
  })

  test.serial('what somebody changes by ufw or in the kernel is found and set right', async (t) => {
    t.timeout(600_000)
    const changesAfter = async (script: Script) => {
      await tell(script)
      const { planned, error } = await run()
      t.is(error, undefined)
      return planned.flatMap(({ changes }) => changes.map(({ property }) => property))
    }

    t.deepEqual(await changesAfter(sh`ufw delete allow proto tcp from 10.9.0.1 to any port 8000:8100`), [
      'rule allow tcp 8000:8100 from 10.9.0.1',
    ])
    t.deepEqual(await changesAfter(sh`ufw allow 8080:8090/tcp`), [
      'rule allow tcp 8080:8090 from anywhere (IPv4)',
      'rule allow tcp 8080:8090 from anywhere (IPv6)',
    ])
    t.deepEqual(await changesAfter(sh`iptables -I ufw-before-input -p icmp --icmp-type 8 -j ACCEPT`), [
      'rule allow icmp 8 from anywhere (IPv4)',
    ])
    t.deepEqual(
      await changesAfter(
        sh`sed -i 's/^-A ufw6-before-input -p icmpv6 -j ACCEPT$/# gone/' /etc/ufw/before6.rules; ufw reload`,
      ),
      ['rule allow all icmpv6 from anywhere (IPv6)'],
    )
    t.deepEqual((await run()).planned, [])
  })

  test.serial('a removal gives back the files that the package brought', async (t) => {
    t.timeout(600_000)
    const { error } = await run('remove')

    t.is(error, undefined)
    const differing = sh`for file in before before6; do cmp /etc/ufw/$file.rules /usr/share/ufw/iptables/$file.rules; done; ufw status`
    t.is(await tell(differing), 'Status: inactive')
  })
} else {
  test.serial.skip(needsRoot, (t) => t.pass())
}
