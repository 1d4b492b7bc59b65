import test from 'ava'
import { armScript, leftGuardsScript } from '../../engine/guard-scripts.ts'
import type { Host } from '../../engine/inventory.ts'
import type { Resource } from '../../engine/resource.ts'
import { command } from '../../engine/resources/command.ts'
import { file } from '../../engine/resources/file.ts'
import { systemdUnit } from '../../engine/resources/systemd-unit.ts'
import { sh } from '../../engine/shell.ts'
import type { Connection } from '../../engine/transport/connection.ts'
import { cutPower, startHost } from '../../inventory/lab/power.ts'
import { converge } from '../support/converge.ts'
import { ask, isRoot, needsRoot, useLab } from '../support/lab-hosts.ts'
import { eventually } from '../support/programs.ts'

const path = '/etc/systemd/network/10-host0.network'
const guardSeconds = 8

if (!isRoot) test.skip(needsRoot, (t) => t.pass())
else {
  const lab = useLab(test, 'network', 1)
  const host = (): Host => {
    const [first] = lab().inventory.hosts
    if (first === undefined) throw new TypeError('the lab has a host')
    return first
  }
  const open = () => lab().connect(host())
  const onHost = async <Result>(use: (connection: Connection) => Promise<Result>) => {
    const connection = await open()
    try {
      return await use(connection)
    } finally {
      connection.close()
    }
  }
  /** What the host's network is to be, what it is, and what guards have left. */
  const network = () =>
    onHost((connection) =>
      ask(
        connection,
        sh`cat ${path}; ip -oneline address show dev host0 scope global | awk '{ print $4 }' | sort; ip route; ${leftGuardsScript}; ls -d /var/lib/sluice/guard /etc/systemd/system/sluice-guard.service 2>/dev/null || :`,
      ),
    )
  const present = () => onHost((connection) => ask(connection, sh`cat ${path}`))
  const elsewhere = (content: string) => `${content.replaceAll(host().address, '10.9.9.9')}\n`
  const address = (content: string) => /^Address=(10\.9\.9\.9)/m.exec(content)?.[1] ?? host().address
  const reload = (content: string) =>
    command({
      name: 'take up the network',
      script: sh`networkctl reload`,
      unless: sh`ip address show dev host0 | grep -qF ${`inet ${address(content)}/`}`,
      reads: [`path:${path}`],
    })
  const service = () => systemdUnit({ unit: 'systemd-networkd.service', state: 'running', loads: [path] })
  const bring = async (resources: Resource[]) => {
    const connection = await open()
    return converge(connection, resources, { reconnect: open, guardSeconds })
  }

  test.serial('a wrong address that a command puts in force is taken back', async (t) => {
    t.timeout(120_000)
    const before = await network()
    const content = elsewhere(await present())

    const run = await bring([file({ path, content }), reload(content)])

    t.is(run.error?.code, 'LOCKOUT_PREVENTED')
    t.regex(run.error?.subject ?? '', /10-host0\.network no new connection .*; the host took the change back/)
    t.false(run.changed.includes(`file ${path}`))
    t.is(await network(), before)
  })

  test.serial('a change that leaves the way in open stays, and a second run changes nothing', async (t) => {
    t.timeout(60_000)
    const content = `${await present()}\n[Address]\nAddress=10.9.9.9/32\n`

    const first = await bring([file({ path, content }), reload(content), service()])
    const second = await bring([file({ path, content }), reload(content), service()])

    t.is(first.error, undefined)
    t.deepEqual(second.changed, [])
    const now = await network()
    t.true(now.includes('10.9.9.9/32\n'), now)
    t.notRegex(now, /guard/)
  })

  test.serial('a power cut before the confirmation brings the former network back', async (t) => {
    t.timeout(60_000)
    const before = await network()
    const content = elsewhere(await present())
    const { guard } = file({ path, content })
    if (guard === undefined) throw new TypeError('such a file is guarded')
    await onHost((connection) =>
      ask(
        connection,
        sh`${armScript({ id: '0a1b', name: 'the network', seconds: 300 }, guard)}; printf %s ${content} > ${path}; sync`,
      ),
    )

    await cutPower(lab().settings, host().name)
    await startHost(lab().settings, host().name)
    await eventually(
      'the host lets us in',
      () =>
        network().then(
          () => true,
          () => false,
        ),
      20_000,
    )
    const after = await network()

    t.is(after.replace(/\nhealed 0a1b \d+ boot the network$/, ''), before)
    t.not(after, before)
  })
}
