import { setTimeout as sleep } from 'node:timers/promises'
import test from 'ava'
import { runBatch } from '../../engine/batch.ts'
import { HostLock, lockOwner, parseLockState } from '../../engine/host-lock.ts'
import { lockStateScript } from '../../engine/host-lock-scripts.ts'
import type { Resource } from '../../engine/resource.ts'
import { command } from '../../engine/resources/command.ts'
import { directory } from '../../engine/resources/directory.ts'
import { file } from '../../engine/resources/file.ts'
import { sh } from '../../engine/shell.ts'
import type { Connection } from '../../engine/transport/connection.ts'
import { converge } from '../support/converge.ts'
import { ask, useLab } from '../support/lab-hosts.ts'
import { roleOf, type TrialRun, trialRun } from '../support/trial-run.ts'

const lab = useLab(test, 'host-lock', 1)

function runOf(name: string, resources: Resource[], options: Partial<TrialRun> = {}) {
  const { inventory, connect } = lab()
  const plays = [{ name, hosts: 'all', roles: [roleOf(name, () => resources)] }]
  return trialRun({ inventory, connect, plays, ...options })
}

/** A change that takes until the file `/tmp/<name>` is there. */
const slow = (name: string) =>
  command({ name, script: sh`while [ ! -e ${`/tmp/${name}`} ]; do sleep 0.1; done`, creates: `/tmp/${name}` })

async function connection(): Promise<Connection> {
  const { inventory, connect } = lab()
  const [host] = inventory.hosts
  if (host === undefined) throw new TypeError('the lab has a host')
  return connect(host)
}

async function stateOf(over: Connection) {
  const [outcome] = await runBatch(over, [lockStateScript], {
    stopOnFailure: false,
    timeoutSeconds: () => 30,
  })
  return parseLockState(outcome?.stdout ?? '')
}

test.serial('a second run is told who is changing the host, and changes nothing', async (t) => {
  const over = await connection()
  t.teardown(() => over.close())
  const started = Promise.withResolvers<void>()
  const first = runOf('first', [slow('go-first')], {
    onEvent: (event) => {
      if (event.type === 'resource-started') started.resolve()
    },
  })
  await started.promise

  const second = await runOf('second', [file({ path: '/etc/second', content: 'second\n' })])
  const idle = await runOf('idle', [directory({ path: '/etc' })])
  const check = await runOf('look', [file({ path: '/etc/second', content: 'second\n' })], { mode: 'check' })
  await ask(over, sh`touch /tmp/go-first`)
  const ended = await first

  const error = second.hosts[0]?.error
  t.is(error?.code, 'HOST_LOCKED')
  t.regex(error?.subject ?? '', /another run is changing vm1: \S+@\S+/)
  t.regex(error?.why ?? '', /\(trial, process \d+\), which took the lock at \d{4}-.*Z, \d+ s ago/)
  t.deepEqual(second.hosts[0]?.changed, [])
  t.is(idle.hosts[0]?.status, 'ok')
  t.is(check.hosts[0]?.status, 'changed')
  t.is(ended.hosts[0]?.status, 'changed')
  t.is(
    await ask(over, sh`ls /etc/second 2>&1 || :`),
    "ls: cannot access '/etc/second': No such file or directory",
  )
})

test.serial('the lock is given back at the end, and the next run has nothing to tell of it', async (t) => {
  const over = await connection()
  t.teardown(() => over.close())

  const { hosts } = await runOf('next', [file({ path: '/etc/next', content: 'next\n' })])

  t.is(hosts[0]?.status, 'changed')
  t.is(hosts[0]?.noticed, undefined)
  t.is((await stateOf(over)).holder, undefined)
})

test.serial('a lock whose holder lost its connection is taken over, and that is said', async (t) => {
  const lost = await connection()
  const lock = new HostLock(lockOwner('provision', 'apply'), await stateOf(lost))
  t.is((await converge(lost, [file({ path: '/etc/lost', content: 'lost\n' })], { lock })).error, undefined)
  const over = await connection()
  t.teardown(() => over.close())
  t.truthy((await stateOf(over)).holder)

  lost.close()
  for (let tries = 0; tries < 100 && (await stateOf(over)).holder !== undefined; tries++) await sleep(50)
  const { hosts } = await runOf('after', [file({ path: '/etc/after', content: 'after\n' })])

  t.is(hosts[0]?.status, 'changed')
  t.regex(
    hosts[0]?.noticed?.join() ?? '',
    /the run of \S+ \(provision, process \d+\).* did not end there: its lock was taken over/,
  )
})

test.serial(
  'what another run has changed since the host was read is read again before anything is done',
  async (t) => {
    const over = await connection()
    t.teardown(() => over.close())
    const seen = await stateOf(over)
    const both = file({ path: '/etc/both', content: 'both\n' })
    const ours = file({ path: '/etc/ours', content: 'ours\n' })

    await runOf('other', [both])
    const lock = new HostLock(lockOwner('provision', 'apply'), seen)
    const [taken] = await runBatch(over, [lock.script(over)], {
      stopOnFailure: true,
      timeoutSeconds: () => 30,
    })
    const { moved } = lock.judge(over, taken ?? { exitCode: -1, stdout: '', stderr: '' })
    await lock.release(over)
    const again = new HostLock(lockOwner('provision', 'apply'), seen)
    const { error, changed } = await converge(over, [both, ours], { lock: again })

    t.true(moved)
    t.is(error, undefined)
    t.deepEqual(changed, ['file /etc/ours'])
  },
)
