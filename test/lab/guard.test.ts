import { execFile } from 'node:child_process'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import test from 'ava'
import { SluiceError } from '../../engine/errors.ts'
import { underGuard } from '../../engine/guard.ts'
import type { Host, PolicyRule } from '../../engine/inventory.ts'
import { sh } from '../../engine/shell.ts'
import { hostKeys } from '../../engine/transport/host-keys.ts'
import { connect } from '../../engine/transport/ssh.ts'
import { cutPower, rebootHost, startHost } from '../../inventory/lab/power.ts'
import { type AccessRun, accessRun, noSsh, sshOnly } from '../support/access-run.ts'
import { ask, isRoot, needsRoot, useLab } from '../support/lab-hosts.ts'

type Transport = NonNullable<Host['transport']>

const labName = 'guard'
const keys = hostKeys({ knownHostsFile: '/nonexistent', acceptNew: false })

if (isRoot) {
  const lab = useLab(test, labName, 1)
  const host = (): Host => {
    const first = lab().inventory.hosts[0]
    if (first === undefined) throw new TypeError('the lab has a host')
    return first
  }
  const open = (to = host(), timeoutMs = 10_000) => connect(to, { hostKeys: keys, timeoutMs })
  /** Where the way in may be shut, that is to be seen soon. */
  const openSoon = (to = host()) => open(to, 4000)
  const onHost = async (script: ReturnType<typeof sh>) => {
    const connection = await open()
    try {
      return await ask(connection, script)
    } finally {
      connection.close()
    }
  }
  const access = (
    roles: AccessRun['roles'],
    {
      variables = {},
      rules = sshOnly,
      guardSeconds = 12,
      transport = 'node-ssh',
    }: Partial<Pick<AccessRun, 'variables' | 'guardSeconds'>> & {
      rules?: PolicyRule[]
      transport?: Transport
    } = {},
  ) => {
    const { inventory } = lab()
    const policy = { ...inventory.policy, rules }
    const hosts = inventory.hosts.map((each) => ({ ...each, transport }))
    let connections = 0
    return accessRun({
      roles,
      variables,
      guardSeconds,
      inventory: { ...inventory, policy, hosts },
      connect: (to) => (connections++ === 0 ? open(to) : openSoon(to)),
    })
  }
  /** Everything that decides who gets in. */
  const wayIn = () =>
    onHost(sh`
      sshd -T -C user=sluice,host=x,addr=10.0.0.1 | sort
      { iptables-save -t filter; ip6tables-save -t filter; } | grep -E '^(-A ufw6?-user-input|:INPUT)' | sed 's/ \\[.*//' || :
      cat /etc/sudoers /etc/sudoers.d/*; stat --format='%a %U %G' ~sluice/.ssh/authorized_keys; cat ~sluice/.ssh/authorized_keys
      cat /etc/ufw/ufw.conf /etc/default/ufw /etc/ufw/user.rules /etc/ufw/user6.rules`)
  /** A host lets us in again before it has put back everything: what it is like when it has, or after a minute. */
  const wayInOnceBack = async (before: string) => {
    const deadline = performance.now() + 60_000
    for (;;) {
      const now = await wayIn()
      if (now === before || performance.now() > deadline) return now
      await pause(200)
    }
  }
  const leftovers = () =>
    onHost(sh`
      ls -d /var/lib/sluice/guard* /etc/systemd/system/*guard* /etc/systemd/system/*/*guard* 2>/dev/null || :
      systemctl list-units --all --no-legend --plain 'sluice-guard-*'`)
  const reachable = async () => {
    try {
      ;(await openSoon()).close()
      return true
    } catch (error) {
      if (error instanceof SluiceError) return false
      throw error
    }
  }
  const untilReachable = async (seconds: number) => {
    const began = performance.now()
    while (!(await reachable())) {
      if (performance.now() - began > seconds * 1000) throw new Error(`not reachable after ${seconds} s`)
      await pause(200)
    }
  }
  const doomed = (roles: AccessRun['roles'], way: 'open' | 'shut', seconds: number) =>
    new Promise<string | null>((resolve) => {
      const program = fileURLToPath(new URL('../support/doomed-run.ts', import.meta.url))
      execFile(process.execPath, [program, labName, roles, way, String(seconds)], (error) =>
        resolve(error?.signal ?? null),
      )
    })

  test.serial(
    'the way in is changed under the guard, a second run changes nothing, nothing is left',
    async (t) => {
      const first = await access('access')
      const second = await access('access')

      t.is(first.hosts[0]?.error, undefined)
      t.deepEqual(
        first.hosts[0]?.changed.map(({ resource }) => resource.split(' ')[0]),
        ['ufw', 'moduli', 'sshd'],
      )
      t.deepEqual(second.hosts[0]?.changed, [])
      t.is(await leftovers(), '')
    },
  )

  test.serial('a change that takes longer than the host waits is not taken back in the middle', async (t) => {
    const connection = await open()
    const change = () =>
      ask(connection, sh`echo begun > /etc/slow; sleep 13; echo made >> /etc/slow`).then(() => {})

    const proven = await underGuard(
      connection,
      { paths: ['/etc/slow'], restore: sh`:` },
      { name: 'slow', seconds: 6, reconnect: () => open(), progress: () => {} },
      change,
    )
    const made = await ask(proven, sh`sleep 7; cat /etc/slow; rm /etc/slow`)
    proven.close()
    connection.close()

    t.deepEqual(made.split('\n').filter(Boolean), ['begun', 'made'])
    t.is(await leftovers(), '')
  })

  const library: readonly Transport[] = ['node-ssh']
  const both: readonly Transport[] = ['node-ssh', 'openssh']
  const lockouts: [string, readonly Transport[], (transport: Transport) => ReturnType<typeof access>][] = [
    [
      'a policy without the SSH port',
      both,
      (transport) =>
        access('firewall', {
          rules: noSsh,
          variables: { firewall: { allowLockout: true } },
          transport,
        }),
    ],
    ['an sshd that listens elsewhere', library, () => access('straying')],
    [
      'a file of keys without ours',
      library,
      () => access('otherKeys', { variables: { 'other-keys': { allowLockout: true } } }),
    ],
    ['a sudo that lets nobody become root', library, () => access('closedSudo')],
    [
      'an sshd that lets only others in',
      both,
      (transport) =>
        access('sshd', { variables: { sshd: { allowUsers: ['nobody'], allowLockout: true } }, transport }),
    ],
  ]
  for (const [name, transport, run] of lockouts.flatMap(([name, transports, run]) =>
    transports.map((transport) => [name, transport, run] as const),
  )) {
    test.serial(`${transport}: ${name} is taken back, and the next run goes on`, async (t) => {
      const before = await wayIn()

      const result = await run(transport)
      const after = await wayIn()
      const next = await access('access')

      t.is(result.hosts[0]?.error?.code, 'LOCKOUT_PREVENTED')
      t.regex(result.hosts[0]?.error?.subject ?? '', /the host took the change back/)
      t.is(after, before)
      t.deepEqual(next.hosts[0]?.changed, [])
      t.is(await leftovers(), '')
    })
  }

  test.serial('rules of sudo with a mistake in them are never in place', async (t) => {
    const result = await access('brokenSudo')
    const rules = await onHost(sh`ls /etc/sudoers.d | grep -c zz- || :`)
    const next = await access('access')

    t.is(result.hosts[0]?.error?.code, 'STEP_FAILED')
    t.regex(result.hosts[0]?.error?.why ?? '', /zz-broken.*syntax error/s)
    t.is(rules, '0')
    t.deepEqual(next.hosts[0]?.changed, [])
    t.is(await leftovers(), '')
  })

  test.serial(
    'without the role being told to go on, a policy without the SSH port changes nothing',
    async (t) => {
      const before = await wayIn()

      const result = await access('firewall', { rules: noSsh })

      t.is(result.hosts[0]?.error?.code, 'LOCKOUT_PREVENTED')
      t.is(await wayIn(), before)
    },
  )

  test.serial(
    'a host whose controller died half-way heals itself in its time, and the next run says so',
    async (t) => {
      const before = await wayIn()

      const signal = await doomed('firewall', 'shut', 15)
      const shut = !(await reachable())
      await untilReachable(60)
      const after = await wayInOnceBack(before)
      const next = await access('access')

      t.is(signal, 'SIGKILL')
      t.true(shut)
      t.is(after, before)
      const said = next.events.flatMap((event) => (event.type === 'host-noticed' ? [event.message] : []))
      t.true(said.some((message) => /was not confirmed in its time: the host took it back/.test(message)))
      t.is(next.hosts[0]?.error, undefined)
      t.is(await leftovers(), '')
    },
  )

  for (const [name, restart] of [
    ['a reboot', () => rebootHost(lab().settings, host().name)],
    [
      'a power cut',
      async () => {
        await cutPower(lab().settings, host().name)
        await startHost(lab().settings, host().name)
      },
    ],
  ] as const) {
    test.serial(`${name} before the confirmation brings the former state back`, async (t) => {
      const before = await wayIn()

      await doomed('firewall', 'shut', 300)
      const shut = !(await reachable())
      await restart()
      await untilReachable(60)
      const after = await wayInOnceBack(before)
      const next = await access('access')

      t.true(shut)
      t.is(after, before)
      t.true(next.events.some((event) => event.type === 'host-noticed' && /restarted/.test(event.message)))
      t.deepEqual(next.hosts[0]?.changed, [])
      t.is(await leftovers(), '')
    })
  }

  test.serial(
    'what a dead run left unconfirmed is taken back by the next one, which then does its own',
    async (t) => {
      await doomed('sshd', 'open', 300)

      const next = await access('access')

      t.true(next.events.some((event) => event.type === 'host-noticed' && /taken back/.test(event.message)))
      t.is(next.hosts[0]?.error, undefined)
      t.deepEqual(next.hosts[0]?.changed, [])
      t.regex(await onHost(sh`sshd -T | grep logingracetime`), /^logingracetime 30$/)
      t.is(await leftovers(), '')
    },
  )

  test.serial('a change that failed by itself is not said to have wanted a confirmation', async (t) => {
    const kex = ['curve25519-sha256', 'no-such-exchange']

    const failed = await access('sshd', { variables: { sshd: { kex } } })
    const next = await access('sshd')

    t.is(failed.hosts[0]?.error?.code, 'STEP_FAILED')
    const [noticed = '', ...others] = next.hosts[0]?.noticed ?? []
    t.regex(noticed, /10-sluice\.conf failed, as that run has said: the host took it back at /)
    t.deepEqual(others, [])
    t.is(next.hosts[0]?.error, undefined)
    t.is(await leftovers(), '')
  })

  test.serial('sshd moves to another port by way of a connection to that port', async (t) => {
    const both: PolicyRule[] = [...sshOnly, { from: ['admin'], to: 'all', port: 2222, protocol: 'tcp' }]
    const variables = { sshd: { port: 2222 } }
    const unopened = await access('access', { variables })

    const moved = await access('access', { variables, rules: both })
    const onNewPort = await open({ ...host(), port: 2222 })
    const listening = await ask(
      onNewPort,
      sh`ss -Htln 'sport = :22 or sport = :2222' | awk '{ print $4 }' | sort`,
    )
    onNewPort.close()

    t.is(unopened.hosts[0]?.error?.code, 'LOCKOUT_PREVENTED')
    t.is(moved.hosts[0]?.error, undefined)
    t.false(await reachable())
    t.is(listening, '0.0.0.0:2222\n[::]:2222')
  })
} else {
  test.serial.skip(needsRoot, (t) => t.pass())
}
