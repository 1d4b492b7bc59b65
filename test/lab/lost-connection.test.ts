import test from 'ava'
import { runBatch } from '../../engine/batch.ts'
import { parseLockState } from '../../engine/host-lock.ts'
import { lockStateScript } from '../../engine/host-lock-scripts.ts'
import { command } from '../../engine/resources/command.ts'
import { file } from '../../engine/resources/file.ts'
import { sh } from '../../engine/shell.ts'
import type { Connection } from '../../engine/transport/connection.ts'
import { ask, useLab } from '../support/lab-hosts.ts'
import { roleOf, trialRun } from '../support/trial-run.ts'

const lab = useLab(test, 'lost-connection', 1)

/** Ends the process of sshd that carries the run's connection: the holder of its lock. */
const cut = sh`{ read -r run; read -r process; } < /run/sluice-lock/holder; kill -s KILL "$process"; touch /run/cut`
const untilCut = sh`until [ -e /run/cut ]; do sleep 0.1; done; rm /run/cut`

for (const transport of ['node-ssh', 'openssh'] as const) {
  test.serial(
    `${transport}: a connection that is lost is made anew, once, and the run goes on from what is there`,
    async (t) => {
      const { inventory, connect } = lab()
      const [host] = inventory.hosts.map((each) => ({ ...each, transport }))
      if (host === undefined) throw new TypeError('the lab has a host')
      const over = await connect(host)
      t.teardown(() => over.close())
      await ask(over, sh`rm -f /etc/before /etc/after /var/tmp/log /var/tmp/done`)
      const role = roleOf('cut', () => [
        file({ path: '/etc/before', content: 'before\n' }),
        command({
          name: 'what takes long',
          script: sh`echo begin >> /var/tmp/log; ${untilCut}; sleep 3; echo end >> /var/tmp/log; touch /var/tmp/done`,
          creates: '/var/tmp/done',
        }),
        file({ path: '/etc/after', content: 'after\n' }),
      ])

      const { hosts } = await trialRun({
        inventory: { ...inventory, hosts: [host] },
        connect,
        plays: [{ name: 'cut', hosts: 'all', roles: [role] }],
        onEvent: (event) => {
          if (event.type === 'resource-started' && event.place.resource.startsWith('command'))
            void ask(over, cut)
        },
      })

      t.is(hosts[0]?.error, undefined)
      t.is(hosts[0]?.status, 'changed')
      t.regex(
        hosts[0]?.noticed?.join() ?? '',
        /the connection was lost \(.*\), in the middle of command what takes long; after \S+ s there was a new one/,
      )
      t.is(await ask(over, sh`cat /etc/before /etc/after`), 'before\nafter')
      // What was in hand was waited for, not begun a second time beside itself.
      t.is(await ask(over, sh`cat /var/tmp/log`), 'begin\nend')
      t.is(await holderOf(over), undefined)
    },
  )
}

test.serial('a connection that is lost again ends the host, and says that it was lost', async (t) => {
  const { inventory, connect } = lab()
  const [host] = inventory.hosts
  if (host === undefined) throw new TypeError('the lab has a host')
  const over = await connect(host)
  t.teardown(() => over.close())
  const role = roleOf('cut', () =>
    ['first', 'second'].map((name) =>
      command({
        name,
        script: sh`${untilCut}; sleep 2; touch ${`/var/tmp/${name}`}`,
        creates: `/var/tmp/${name}`,
      }),
    ),
  )

  const cuts: Promise<string>[] = []
  const { hosts } = await trialRun({
    inventory,
    connect,
    plays: [{ name: 'cut', hosts: 'all', roles: [role] }],
    onEvent: (event) => {
      if (event.type === 'resource-started') cuts.push(ask(over, cut))
    },
  })
  await Promise.all(cuts)

  t.is(hosts[0]?.error?.code, 'CONNECTION_LOST')
  t.is(hosts[0]?.noticed?.length, 1)
})

async function holderOf(over: Connection) {
  const [outcome] = await runBatch(over, [lockStateScript], {
    stopOnFailure: false,
    timeoutSeconds: () => 30,
  })
  return parseLockState(outcome?.stdout ?? '').holder
}
