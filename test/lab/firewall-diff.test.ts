import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { type Script, sh } from '../../engine/shell.ts'
import { projectFolder, sluice } from '../support/cli.ts'
import { documentsIn, documentsOf } from '../support/json-documents.ts'
import { ask, isRoot, needsRoot, useLab } from '../support/lab-hosts.ts'

if (isRoot) {
  const lab = useLab(test, 'firewall-diff', 2)

  /** A project of the lab's two hosts, with more members of the group `clients` that are only names and addresses. */
  const project = (t: ExecutionContext, members: Record<string, string[]> = {}) => {
    const folder = projectFolder(t)
    const write = (others: Record<string, string[]>) => {
      const { hosts, policy } = lab().inventory
      const content = {
        groups: { servers: null, clients: null },
        hosts: {
          ...Object.fromEntries(
            hosts.map(({ name, address, user, identityFile, hostKeys, privateAddresses }, index) => [
              name,
              {
                ...{ address, user, identityFile, hostKeys, privateAddresses },
                groups: [index === 0 ? 'servers' : 'clients'],
              },
            ]),
          ),
          ...Object.fromEntries(
            Object.entries(others).map(([name, privateAddresses]) => [
              name,
              {
                address: privateAddresses[0],
                identityFile: hosts[0]?.identityFile,
                privateAddresses,
                groups: ['clients'],
              },
            ]),
          ),
        },
        policy: {
          admin: policy.admin,
          rules: [
            { from: ['admin'], to: 'all', port: 22 },
            { from: ['clients'], to: 'servers', port: '9000:9100' },
          ],
        },
      }
      writeFileSync(join(folder, 'hosts.yaml'), JSON.stringify(content, undefined, 2))
    }
    write(members)
    const run = (...words: string[]) => sluice(folder, [...words, '-i', 'hosts.yaml', '--limit', 'vm1,vm2'])
    return { folder, write, run }
  }

  const on = async (name: string, script: Script) => {
    const host = lab().inventory.hosts.find((each) => each.name === name)
    if (host === undefined) throw new TypeError(`the lab has ${name}`)
    const connection = await lab().connect(host)
    await ask(connection, script)
    connection.close()
  }

  const harden = ['harden', '--tags', 'firewall']

  test.serial('a host without a firewall differs; after hardening nothing does', async (t) => {
    t.timeout(600_000)
    const { run } = project(t)

    const before = await run('firewall', 'diff')
    const hardened = await run(...harden)
    const after = await run('firewall', 'diff')

    t.is(before.exitCode, 2, before.stderr)
    t.regex(before.stdout, /missing +allow tcp 22 from/)
    t.is(hardened.exitCode, 0, hardened.stdout)
    t.is(after.exitCode, 0, after.stdout)
    t.regex(after.stdout, /^vm1 {2}as the policy says, 4 rules$/m)
    t.regex(after.stdout, /servers lets clients reach 9000-9100\/tcp; the pipeline needs nobody there/)
  })

  test.serial(
    'what is missing and what is too much is shown by host, with where it is written',
    async (t) => {
      t.timeout(600_000)
      const { run } = project(t)
      const [client] = lab().inventory.hosts[1]?.privateAddresses ?? []
      await on(
        'vm1',
        sh`ufw delete allow proto tcp from ${client ?? ''} to any port 9000:9100; ufw allow 8080/tcp`,
      )
      await on('vm2', sh`iptables -A ufw-user-input -p udp -m udp --dport 53 -j ACCEPT`)

      const text = await run('firewall', 'diff')
      const json = await run('firewall', 'diff', '--json')

      t.is(text.exitCode, 2, text.stderr)
      t.regex(
        text.stdout,
        new RegExp(`missing +allow tcp 9000:9100 from ${client} +clients to servers, .*hosts.yaml:\\d+`),
      )
      t.regex(text.stdout, /surplus +allow tcp 8080 from anywhere \(IPv4\) +no rule of the policy says so/)
      t.regex(text.stdout, /surplus +allow udp 53 from anywhere \(IPv4\) .*; it is in force, not stored/)
      t.regex(text.stdout, /2 of 2 hosts differ \(rules missing: 1, surplus: 3; settings: 0\)/)
      t.is(json.exitCode, 2)
      const documents = documentsIn(json.stdout)
      t.deepEqual(documents.at(-1), {
        type: 'firewall-ended',
        status: 'differs',
        hosts: 2,
        missing: 1,
        surplus: 3,
        settings: 0,
      })
      t.is((await run(...harden)).exitCode, 0)
      t.is((await run('firewall', 'diff')).exitCode, 0)
    },
  )

  test.serial('when hosts join and leave, the next run changes exactly the rules concerned', async (t) => {
    t.timeout(600_000)
    const { run, write } = project(t, { old: ['10.99.0.1'] })
    t.is((await run(...harden)).exitCode, 0)
    write({ joined: ['10.99.0.2', 'fd99::2'] })

    const diff = await run('firewall', 'diff', '--json')
    const changed = await run(...harden, '--json')

    const [first, second] = documentsOf(diff.stdout, 'firewall-host')
    t.deepEqual(
      first?.differences.map(({ kind, what }) => `${kind} ${what}`),
      [
        'missing allow tcp 9000:9100 from 10.99.0.2',
        'missing allow tcp 9000:9100 from fd99::2',
        'surplus allow tcp 9000:9100 from 10.99.0.1',
      ],
    )
    t.deepEqual(second?.differences, [])
    const [end] = documentsOf(changed.stdout, 'run-ended')
    t.deepEqual(
      end?.result.hosts.map((host) =>
        host.changed.flatMap(({ changes }) => changes.map(({ property }) => property)),
      ),
      [first?.differences.map(({ what }) => `rule ${what}`), []],
    )
    t.is((await run('firewall', 'diff')).exitCode, 0)
  })

  test.serial(
    'a host that cannot be reached fails the comparison, and the others are still compared',
    async (t) => {
      t.timeout(600_000)
      const { folder } = project(t, { gone: ['192.0.2.1'] })

      const { exitCode, stdout } = await sluice(folder, [
        ...['firewall', 'diff', '-i', 'hosts.yaml', '--limit', 'vm2,gone', '--timeout', '5'],
      ])

      t.is(exitCode, 1)
      t.regex(stdout, /^gone {2}not compared$/m)
      t.regex(stdout, /^(HOST_UNREACHABLE|HOST_KEY_UNKNOWN)[\s\S]*^ {2}at {3}gone$/m)
      t.regex(stdout, /^vm2 {3}as the policy says, 2 rules$/m)
    },
  )
} else {
  test.serial.skip(needsRoot, (t) => t.pass())
}
