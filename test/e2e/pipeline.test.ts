import { setTimeout as sleep } from 'node:timers/promises'
import test from 'ava'
import { type Script, sh } from '../../engine/shell.ts'
import type { Connection } from '../../engine/transport/connection.ts'
import { rebootHost } from '../../inventory/lab/power.ts'
import { collections } from '../../playbooks/verify/documents.ts'
import { withDatabase } from '../../playbooks/verify/mongodb.ts'
import { sendBatch } from '../../playbooks/verify/producer.ts'
import { serviceAddress } from '../../roles/layout.ts'
import { projectFolder, startSluice } from '../support/cli.ts'
import { changesOf, type RunResult, troubleOf, typed, undecidedOf } from '../support/e2e-cli.ts'
import {
  ask,
  differences,
  fingerprint,
  isRoot,
  needsRoot,
  testLabName,
  useLab,
} from '../support/lab-hosts.ts'
import { labTraces } from '../support/lab-traces.ts'

const environment = { SLUICE_LAB_NAME: testLabName('e2e') }
const { run, text, verified } = typed(environment)

/** The documents of a marked batch in each collection. */
function countBatch(database: Connection, marker: string): Promise<number[]> {
  const place = { address: serviceAddress(database.host), port: 27017, database: 'ca0' }
  return withDatabase(database, place, (db) =>
    Promise.all(collections.map((name) => db.collection(name).countDocuments({ run: marker }))),
  )
}

/** Asks again and again until the counts are good, through times when nothing answers. */
async function awaitBatch(
  database: Connection,
  marker: string,
  good: (counts: number[]) => boolean,
): Promise<void> {
  const deadline = performance.now() + 90_000
  while (performance.now() < deadline) {
    const counts = await countBatch(database, marker).catch(() => [])
    if (counts.length > 0 && good(counts)) return
    await sleep(100)
  }
}

/** What no file shows: sshd as it would start now, what is filtered, processes of the account. */
const inForce = sh`sshd -T | sort
  { iptables-save -t filter; ip6tables-save -t filter; } | grep --word-regexp 'DROP\\|REJECT' || :
  ps -u 10001 -o args= || :`

if (isRoot) {
  const lab = useLab(test, 'e2e', 4)
  const reach = (name: string) => {
    const host = lab().inventory.hosts.find((each) => each.name === name)
    if (host === undefined) throw new TypeError(`the lab has a ${name}`)
    return lab().connect(host)
  }
  const onHost = async (name: string, script: Script) => {
    const connection = await reach(name)
    try {
      return await ask(connection, script)
    } finally {
      connection.close()
    }
  }
  /** What is on the hosts and what is in force there, a line each. */
  const stateOfHosts = async () => {
    const states = lab().inventory.hosts.map(async (host) => {
      const connection = await lab().connect(host)
      const state = `${await fingerprint(connection)}\n${await ask(connection, inForce)}`
      connection.close()
      return state.split('\n').map((line) => `${host.name} ${line}`)
    })
    return (await Promise.all(states)).flat().join('\n')
  }
  const bare: { state: string; plan: RunResult | undefined } = { state: '', plan: undefined }
  const killed: string[] = []

  test.serial('a check of bare hosts shows the whole plan and changes nothing', async (t) => {
    t.timeout(600_000)
    bare.state = await stateOfHosts()

    const { exitCode, result } = await run(t, ['provision', '--check'])

    bare.plan = result
    t.is(exitCode, 2)
    t.deepEqual(differences(bare.state, await stateOfHosts()), [])
    const planned = changesOf(result)
    for (const expected of [
      'vm1 ufw rules',
      'vm1 unit kafka.service',
      'vm2 unit mongod.service',
      'vm3 unit processor.service',
      'vm4 unit producer@2.service',
    ]) {
      t.true(planned.includes(expected), expected)
    }
    t.deepEqual(
      undecidedOf(result).filter((name) => name.includes(' topic ')),
      ['gpu.metrics.v1', 'pipeline.dlq', 'token.usage.v1', 'tokens'].map((name) => `vm1 topic ${name}`),
    )
  })

  test.serial('stopped in the middle of the first run it says where each host is', async (t) => {
    t.timeout(600_000)
    const first = startSluice(projectFolder(t), ['provision', '--verbose'], environment)
    await first.said('package openjdk-17-jre-headless …')
    first.interrupt()

    const { exitCode, stdout, stderr } = await first.ended

    t.is(exitCode, 130)
    t.regex(stderr, /Stopping: what is in hand is being finished/)
    for (const host of ['vm1', 'vm2', 'vm3', 'vm4']) {
      t.regex(
        stdout,
        new RegExp(
          `^[■–] ${host} .*(\n {8}.*)*\n {8}changed before it stopped: \\d+ resources; not tried: \\d+`,
          'm',
        ),
      )
    }
    t.regex(stdout, /^Stopped: \d+ resources changed on 4 hosts\. Run again: it goes on/m)
  })

  test.serial('the next run goes on to the whole pipeline, and one more changes nothing', async (t) => {
    t.timeout(600_000)

    const next = await run(t, ['provision'])
    const again = await run(t, ['provision'])
    const { stdout } = await text(t, ['provision'])

    t.deepEqual(troubleOf(next.result), [])
    t.is(next.exitCode, 0)
    t.deepEqual(changesOf(again.result), [])
    t.is(again.exitCode, 0)
    t.regex(stdout, /Nothing changed on any host: all \d+ resources are as declared/)
  })

  test.serial('events flow, none twice, and only the policy gets through', async (t) => {
    t.timeout(600_000)
    await verified(t)
  })

  for (const [unit, host, openFiles] of [
    ['zookeeper.service', 'vm1', 100_000],
    ['kafka.service', 'vm1', 1_000_000],
    ['mongod.service', 'vm2', 64_000],
    ['processor.service', 'vm3', 65_536],
    ['producer@1.service', 'vm4', 65_536],
  ] as const) {
    test.serial(
      `the process of ${unit} has no privilege, and may write to nothing of the system`,
      async (t) => {
        t.timeout(600_000)
        const said = await onHost(
          host,
          sh`process=$(systemctl show --property MainPID --value ${unit})
        cat /proc/$process/status
        # A host that has less to give gives what it has.
        for one in $process 1; do sed -n "s/^Max open files  *[0-9]*  *\\([0-9]*\\) .*/files of $one: \\1/p" /proc/$one/limits | sed "s/ $process:/ it:/"; done
        nsenter --target "$process" --mount -- sh -c 'for folder in /usr /etc /opt /boot /var /home /root; do touch $folder/written 2>/dev/null && echo "wrote to $folder"; done; [ -e /home/sluice ] || echo "looked, and saw no homes"'
        systemd-analyze security --no-pager ${unit} | tail -n 1`,
        )
        const value = (name: string) => new RegExp(`^${name}:\\s*(.*?)\\s*$`, 'm').exec(said)?.[1]
        const ids = '10001\t10001\t10001\t10001'

        t.deepEqual([value('Uid'), value('Gid'), value('Groups')], [ids, ids, '10001'])
        for (const set of ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb'])
          t.is(value(set), '0000000000000000', set)
        t.deepEqual([value('NoNewPrivs'), value('Seccomp')], ['1', '2'])
        t.is(Number(value('files of it')), Math.min(openFiles, Number(value('files of 1'))))
        t.regex(said, /^looked, and saw no homes$/m)
        t.notRegex(said, /wrote to/)
        const exposure = Number(/exposure level for \S+: (\d+\.\d+)/.exec(said)?.[1])
        t.true(exposure <= 1.7, `its exposure is ${exposure}`)
      },
    )
  }

  test.serial(
    'five drifts are shown as five changes, repaired as five, nothing else is touched',
    async (t) => {
      t.timeout(600_000)
      await onHost('vm1', sh`sed -i s/retention.hours=.*/retention.hours=1/ /etc/kafka/server.properties`)
      await onHost('vm2', sh`rmdir /etc/sluice; ufw allow 1234/tcp >/dev/null`)
      await onHost('vm3', sh`echo 'X11Forwarding yes' >> /etc/ssh/sshd_config.d/10-sluice.conf`)
      await onHost('vm4', sh`systemctl stop producer@2`)

      const checked = await run(t, ['provision', '--check', '--diff'])
      const shown = await text(t, ['provision', '--check', '--diff'])
      const repaired = await run(t, ['provision'])
      const again = await run(t, ['provision'])

      const five = [
        'vm1 file /etc/kafka/server.properties',
        'vm2 directory /etc/sluice',
        'vm2 ufw rules',
        'vm3 sshd /etc/ssh/sshd_config.d/10-sluice.conf',
        'vm4 unit producer@2.service',
      ]
      t.deepEqual([checked.exitCode, shown.exitCode], [2, 2])
      t.deepEqual(changesOf(checked.result), five)
      t.regex(shown.stdout, /^ +-log\.retention\.hours=1\n +\+log\.retention\.hours=168$/m)
      t.regex(shown.stdout, /^ +-X11Forwarding yes$/m)
      t.regex(shown.stdout, /ufw rules .*rule allow tcp 1234 from anywhere \(IPv4\) present → absent/)
      t.regex(shown.stdout, /^ {2}~ unit producer@2\.service {2}state inactive → running$/m)
      t.regex(shown.stdout, /^5 resources on 4 hosts would change; nothing was changed/m)
      t.deepEqual(troubleOf(repaired.result), [])
      t.deepEqual(changesOf(repaired.result), five)
      t.deepEqual(changesOf(again.result), [])
      await verified(t)
    },
  )

  test.serial(
    'a service that has loaded a drift is restarted with the repair, as the plan foretold',
    async (t) => {
      t.timeout(600_000)
      await onHost(
        'vm3',
        sh`sed -i s/^PRICE_PER_HOUR_USD=.*/PRICE_PER_HOUR_USD=99/ /etc/sluice/processor.env
      systemctl restart processor`,
      )

      const checked = await run(t, ['provision', '--check'])
      const repaired = await run(t, ['provision'])

      const both = ['vm3 file /etc/sluice/processor.env', 'vm3 unit processor.service']
      t.deepEqual(changesOf(checked.result), both)
      t.deepEqual(troubleOf(repaired.result), [])
      t.deepEqual(changesOf(repaired.result), both)
    },
  )

  test.serial('all hosts rebooted at once, the pipeline is back by itself', async (t) => {
    t.timeout(600_000)

    await Promise.all(lab().inventory.hosts.map(({ name }) => rebootHost(lab().settings, name)))

    await verified(t, { withinSeconds: 120 })
    const { result } = await run(t, ['provision', '--check'])
    t.deepEqual(changesOf(result), [])
  })

  for (const [unit, host] of [
    ['processor.service', 'vm3'],
    ['kafka.service', 'vm1'],
    ['mongod.service', 'vm2'],
  ] as const) {
    test.serial(`${unit} killed in the middle of a batch loses no event and doubles none`, async (t) => {
      t.timeout(600_000)
      const [producers, database, victim] = await Promise.all([reach('vm4'), reach('vm2'), reach(host)])
      const marker = `kill-${unit}-${Date.now()}`
      const size = 200
      const mainProcess = sh`systemctl show --property MainPID --value ${unit}`
      const former = await ask(victim, mainProcess)

      let sending = true
      const sent = sendBatch(producers, { marker, size, sleepSeconds: 0.1 }).finally(() => {
        sending = false
      })
      await awaitBatch(database, marker, (counts) => counts.every((count) => count >= 20))
      await ask(victim, sh`systemctl kill --signal KILL ${unit}`)
      t.true(sending, 'the batch had ended before the kill')
      t.log((await sent).detail)

      await awaitBatch(database, marker, (counts) => counts.every((count) => count >= size))
      // A second copy would come late: after what came again was read again.
      await sleep(3000)
      t.deepEqual(await countBatch(database, marker), [size, size])
      const current = await ask(victim, mainProcess)
      t.true(Number(current) > 0 && current !== former, `the main process was ${former} and is ${current}`)
      killed.push(marker)
      for (const connection of [producers, database, victim]) connection.close()
    })
  }

  test.serial('a removal leaves the documents where they are, unless it is told otherwise', async (t) => {
    t.timeout(600_000)
    await verified(t, { withinSeconds: 60 })

    const removed = await run(t, ['destroy', '--yes', '--limit', 'vm2'])
    const left = await onHost('vm2', sh`ls -d /opt/sluice /etc/mongod.conf /var/lib/mongodb 2>/dev/null || :`)
    const anew = await run(t, ['provision'])

    t.deepEqual(troubleOf(removed.result), [])
    t.is(left, '/var/lib/mongodb')
    t.deepEqual(troubleOf(anew.result), [])
    const database = await reach('vm2')
    for (const marker of killed) t.deepEqual(await countBatch(database, marker), [200, 200], marker)
    database.close()
  })

  test.serial(
    'hosts with everything removed are as before, and become the pipeline in one run',
    async (t) => {
      t.timeout(600_000)

      const removed = await run(t, ['destroy', '--yes', '--data', '--limit', 'all'])
      const state = await stateOfHosts()
      const anew = await run(t, ['provision'])

      t.deepEqual(troubleOf(removed.result), [])
      t.is(removed.exitCode, 0)
      t.deepEqual(differences(bare.state, state), [])
      t.deepEqual(troubleOf(anew.result), [])
      if (bare.plan !== undefined) {
        const expected = [...changesOf(bare.plan), ...undecidedOf(bare.plan)]
        t.deepEqual(changesOf(anew.result), expected.filter((name) => !name.includes(' ready ')).sort())
      }
      await verified(t)
    },
  )

  test.serial('destroy leaves nothing of the hosts on this machine', async (t) => {
    t.timeout(600_000)
    t.not((await labTraces(lab().settings)).length, 0)

    const { exitCode, stdout, stderr } = await text(t, ['destroy', '--yes'])
    const again = await text(t, ['lab', 'down'])

    t.is(exitCode, 0, stderr)
    t.regex(stdout, /All of it is gone: asked again, nothing is left of the lab /)
    t.deepEqual(await labTraces(lab().settings), [])
    t.is(again.exitCode, 0)
  })
} else {
  test.skip(needsRoot, (t) => t.pass())
}
