import { setTimeout as sleep } from 'node:timers/promises'
import test, { type ExecutionContext } from 'ava'
import * as v from 'valibot'
import type { HostResult, RunResult } from '../../engine/events.ts'
import { JsonDocument } from '../../engine/report/json-schema.ts'
import { sh } from '../../engine/shell.ts'
import { rebootHost } from '../../inventory/lab/power.ts'
import { withDatabase } from '../../playbooks/verify/mongodb.ts'
import { sendBatch } from '../../playbooks/verify/producer.ts'
import { serviceAddress } from '../../roles/layout.ts'
import { projectFolder, sluice } from '../support/cli.ts'
import { ask, fingerprint, isRoot, needsRoot, testLabName, useLab } from '../support/lab-hosts.ts'

const environment = { SLUICE_LAB_NAME: testLabName('e2e') }

/** Runs the program as a user types it, with --json, and gives what it ended with. */
async function run(t: ExecutionContext, words: string[]) {
  const started = performance.now()
  const { exitCode, stdout, stderr } = await sluice(projectFolder(t), [...words, '--json'], environment)
  t.log(
    `${words.join(' ')}: exit code ${exitCode} after ${((performance.now() - started) / 1000).toFixed(1)} s`,
  )
  const documents = stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => v.parse(JsonDocument, JSON.parse(line)))
  const end = documents.findLast((document) => document.type === 'run-ended')
  if (end === undefined) throw new Error(`the run did not end: ${stdout.slice(-2000)}${stderr.slice(-2000)}`)
  return { exitCode, result: end.result as unknown as RunResult }
}

const changesOf = (hosts: HostResult[]) =>
  hosts.flatMap(({ host, changed }) => changed.map(({ resource }) => `${host} ${resource}`)).sort()

const trouble = (hosts: HostResult[]) =>
  hosts.flatMap(({ error, reason }) =>
    error === undefined ? [] : [`${error.code} ${error.subject} ${reason ?? ''}`],
  )

/** verify-e2e as a user types it; its text is shown when it does not pass. */
async function verified(t: ExecutionContext, { within = 0 } = {}): Promise<void> {
  const deadline = performance.now() + within * 1000
  for (;;) {
    const { exitCode, stdout } = await sluice(projectFolder(t), ['verify-e2e'], environment)
    if (exitCode === 0) {
      t.regex(stdout, /verified: \d+ passed, 0 failed, 0 skipped/)
      return
    }
    if (performance.now() > deadline) {
      t.log(stdout)
      t.fail('verify-e2e did not pass')
      return
    }
    await sleep(1000)
  }
}

if (isRoot) {
  const lab = useLab(test, 'e2e', 4)
  const reach = (name: string) => {
    const host = lab().inventory.hosts.find((each) => each.name === name)
    if (host === undefined) throw new TypeError(`the lab has a ${name}`)
    return lab().connect(host)
  }
  const onHost = async (name: string, script: ReturnType<typeof sh>) => {
    const connection = await reach(name)
    try {
      return await ask(connection, script)
    } finally {
      connection.close()
    }
  }
  const fingerprints = () =>
    Promise.all(
      lab().inventory.hosts.map(async (host) => {
        const connection = await lab().connect(host)
        const text = await fingerprint(connection)
        connection.close()
        return text
      }),
    )

  test.serial('a check of bare hosts shows the whole plan and changes nothing', async (t) => {
    t.timeout(120_000)
    const before = await fingerprints()

    const { exitCode, result } = await run(t, ['provision', '--check'])

    t.is(exitCode, 2)
    t.deepEqual(await fingerprints(), before)
    const planned = changesOf(result.hosts)
    for (const expected of [
      'vm1 unit kafka.service',
      'vm2 unit mongod.service',
      'vm3 unit processor.service',
      'vm4 unit producer@2.service',
    ]) {
      t.true(planned.includes(expected), expected)
    }
    t.deepEqual(
      result.hosts[0]?.undecided?.map(({ resource }) => resource),
      ['topic tokens', 'topic gpu.metrics.v1', 'topic token.usage.v1', 'topic pipeline.dlq'],
    )
  })

  test.serial('provision turns bare hosts into the pipeline, and a second one changes nothing', async (t) => {
    t.timeout(300_000)

    const first = await run(t, ['provision'])
    const second = await run(t, ['provision'])

    t.deepEqual(trouble(first.result.hosts), [])
    t.is(first.exitCode, 0)
    t.deepEqual(changesOf(second.result.hosts), [])
    t.is(second.exitCode, 0)
    const { stdout } = await sluice(projectFolder(t), ['provision'], environment)
    t.regex(stdout, /Nothing changed on any host: all \d+ resources are as declared/)
  })

  test.serial('events flow, none twice, and only the policy gets through', async (t) => {
    t.timeout(120_000)
    await verified(t)
  })

  test.serial(
    'five drifts are shown as five changes, repaired as five, and nothing else is touched',
    async (t) => {
      t.timeout(180_000)
      await onHost('vm1', sh`sed -i s/retention.hours=.*/retention.hours=1/ /etc/kafka/server.properties`)
      await onHost('vm2', sh`rmdir /etc/sluice; ufw allow 1234/tcp >/dev/null`)
      await onHost('vm3', sh`echo 'X11Forwarding yes' >> /etc/ssh/sshd_config.d/10-sluice.conf`)
      await onHost('vm4', sh`systemctl stop producer@2`)

      const checked = await run(t, ['provision', '--check', '--diff'])
      const repaired = await run(t, ['provision'])
      const again = await run(t, ['provision'])

      const five = [
        'vm1 file /etc/kafka/server.properties',
        'vm2 directory /etc/sluice',
        'vm2 ufw rules',
        'vm3 sshd /etc/ssh/sshd_config.d/10-sluice.conf',
        'vm4 unit producer@2.service',
      ]
      t.is(checked.exitCode, 2)
      t.deepEqual(changesOf(checked.result.hosts), five)
      t.deepEqual(trouble(repaired.result.hosts), [])
      t.deepEqual(changesOf(repaired.result.hosts), five)
      t.deepEqual(changesOf(again.result.hosts), [])
      await verified(t)
    },
  )

  test.serial('all hosts rebooted at once, the pipeline is back by itself', async (t) => {
    t.timeout(240_000)

    await Promise.all(lab().inventory.hosts.map(({ name }) => rebootHost(lab().settings, name)))

    await verified(t, { within: 120 })
    const { result } = await run(t, ['provision', '--check'])
    t.deepEqual(changesOf(result.hosts), [])
  })

  for (const [unit, host] of [
    ['processor.service', 'vm3'],
    ['kafka.service', 'vm1'],
    ['mongod.service', 'vm2'],
  ] as const) {
    test.serial(`${unit} killed in the middle of a batch loses no event and doubles none`, async (t) => {
      t.timeout(180_000)
      const [producers, database] = await Promise.all([reach('vm4'), reach('vm2')])
      const marker = `kill-${unit}-${Date.now()}`
      const size = 200

      const sent = sendBatch(producers, { marker, size, sleepSeconds: 0.02 })
      await sleep(1500)
      await onHost(host, sh`systemctl kill --signal KILL ${unit}`)
      t.log((await sent).detail)

      const place = { address: serviceAddress(database.host), port: 27017, database: 'ca0' }
      const counts = async () => {
        try {
          return await withDatabase(database, place, (db) =>
            Promise.all(
              ['gpu_metrics', 'token_usage'].map((name) =>
                db.collection(name).countDocuments({ run: marker }),
              ),
            ),
          )
        } catch (error) {
          return [String(error)]
        }
      }
      const deadline = performance.now() + 90_000
      while (performance.now() < deadline && (await counts()).join() !== `${size},${size}`) await sleep(500)
      // A second copy would come late: after what came again was read again.
      await sleep(3000)
      t.deepEqual(await counts(), [size, size])
      producers.close()
      database.close()
    })
  }

  test.serial(
    'what was killed is whole again, and a removal leaves hosts that can be provisioned anew',
    async (t) => {
      t.timeout(300_000)
      await verified(t, { within: 60 })

      const removed = await run(t, ['destroy', '--yes', '--data', '--limit', 'all'])
      const left = await onHost(
        'vm1',
        sh`ls -d /opt/sluice /etc/kafka /var/lib/kafka /etc/ssh/sshd_config.d/10-sluice.conf 2>/dev/null || echo none`,
      )
      const anew = await run(t, ['provision'])

      t.deepEqual(trouble(removed.result.hosts), [])
      t.is(removed.exitCode, 0)
      t.is(left, 'none')
      t.deepEqual(trouble(anew.result.hosts), [])
      await verified(t)
    },
  )
} else {
  test(needsRoot, (t) => t.pass())
}
