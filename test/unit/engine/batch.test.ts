import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import test from 'ava'
import { runBatch } from '../../../engine/batch.ts'
import { sh } from '../../../engine/shell.ts'
import type { Connection, Execution } from '../../../engine/transport/connection.ts'
import { localConnection } from '../../support/local-connection.ts'
import { eventually } from '../../support/programs.ts'
import { scratch } from '../../support/resources.ts'

const probes = { stopOnFailure: false, timeoutSeconds: () => 20 }
const steps = { stopOnFailure: true, timeoutSeconds: () => 20 }

/** A process that has ended but was not yet collected by its parent does not run. */
function runs(pid: string): boolean {
  try {
    return !/ Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return false
  }
}

test('many scripts cost one execution, each with its own output, errors and exit code', async (t) => {
  const connection = localConnection()

  const outcomes = await runBatch(
    connection,
    [sh`echo one; echo two >&2`, sh`exit 3`, sh`printf three`],
    probes,
  )

  t.is(connection.executions, 1)
  t.deepEqual(outcomes, [
    { exitCode: 0, stdout: 'one\n', stderr: 'two\n' },
    { exitCode: 3, stdout: '', stderr: '' },
    { exitCode: 0, stdout: 'three', stderr: '' },
  ])
})

test('a script with a syntax error, or one that reads its input or leaves, harms no other', async (t) => {
  const outcomes = await runBatch(
    localConnection(),
    [sh`if then`, sh`cat; read -r line || echo empty`, sh`exit 0`, sh`echo last`],
    probes,
  )

  t.not(outcomes[0]?.exitCode, 0)
  t.is(outcomes[1]?.stdout, 'empty\n')
  t.is(outcomes[3]?.stdout, 'last\n')
})

test('steps end with the first that fails', async (t) => {
  const outcomes = await runBatch(localConnection(), [sh`echo a`, sh`false; echo never`, sh`echo b`], steps)

  t.deepEqual(
    outcomes.map(({ exitCode, stdout }) => [exitCode, stdout]),
    [
      [0, 'a\n'],
      [1, ''],
    ],
  )
})

test('what a login shell prints before the batch is not taken for an answer', async (t) => {
  const connection = localConnection()
  const noisy = { ...connection, execute: connection.execute.bind(connection) }
  noisy.execute = (command, execution) =>
    connection.execute(`echo Welcome; echo motd >&2; ${command}`, execution)

  const outcomes = await runBatch(noisy, [sh`echo answer`], probes)

  t.deepEqual(outcomes, [{ exitCode: 0, stdout: 'answer\n', stderr: '' }])
})

test('a step that takes too long is ended on the host with all that it started, and named', async (t) => {
  const file = join(scratch(), 'pid')

  // On a busy machine the time may be over before the step has begun its child: then it gets more.
  for (let seconds = 1; !existsSync(file); seconds *= 2) {
    await t.throwsAsync(
      runBatch(localConnection(), [sh`sleep 300 & echo $! > ${file}.new; mv ${file}.new ${file}; wait`], {
        stopOnFailure: true,
        timeoutSeconds: () => seconds,
      }),
      { message: new RegExp(`^STEP_TIMEOUT.*${seconds} s`) },
    )
  }

  // Its outputs are closed a moment before it is no process any more.
  const pid = readFileSync(file, 'utf8').trim()
  await t.notThrowsAsync(eventually('the child has ended', async () => !runs(pid)))
})

test('a stop from outside lets the step in hand end and does not begin the next', async (t) => {
  const stop = new AbortController()
  const ended: number[] = []
  const told = join(scratch(), 'told')
  const local = localConnection()
  const connection: Connection = {
    ...local,
    async execute(command, execution) {
      const exitCode = await local.execute(command, execution)
      // What goes besides a batch tells the shell to stop.
      if (execution.urgent) writeFileSync(told, '')
      return exitCode
    },
  }

  const outcomes = await runBatch(
    connection,
    [sh`until [ -e ${told} ]; do sleep 0.05; done; echo done`, sh`echo next`],
    {
      ...steps,
      signal: stop.signal,
      onStart: () => stop.abort(),
      onEnd: (index) => ended.push(index),
    },
  )

  t.is(outcomes[0]?.stdout, 'done\n')
  t.deepEqual(ended, [0])
})

test('the controller address that sshd saw is known to every script', async (t) => {
  const [outcome] = await runBatch(localConnection(), [sh`echo "$SLUICE_CLIENT"`], probes)

  t.is(outcome?.stdout, '192.0.2.1\n')
})

test('a shell that is kept runs the next batch too, and ends with it', async (t) => {
  const connection = localConnection()
  const pid = [sh`echo $$`]

  const [first] = await runBatch(connection, pid, { ...probes, keepShell: true })
  const [second] = await runBatch(connection, pid, probes)
  const [third] = await runBatch(connection, pid, probes)

  t.is(first?.stdout, second?.stdout)
  t.not(second?.stdout, third?.stdout)
  t.is(connection.executions, 2)
})

test('a shell that was ended while it was kept is replaced', async (t) => {
  const connection = localConnection()
  const [kept] = await runBatch(connection, [sh`cut -d ' ' -f 5 /proc/self/stat`], {
    ...probes,
    keepShell: true,
  })
  process.kill(-Number(kept?.stdout), 'SIGKILL')

  const [outcome] = await runBatch(connection, [sh`echo again`], probes)

  t.is(outcome?.stdout, 'again\n')
  t.is(connection.executions, 2)
})

test('of a script that does not arrive whole nothing is run', async (t) => {
  const cut: Connection = {
    ...localConnection(),
    execute: (command, execution) =>
      localConnection().execute(command, { ...execution, input: Readable.from(firstHalf(execution.input)) }),
  }

  await t.throwsAsync(runBatch(cut, [sh`echo one`, sh`echo ${'x'.repeat(5000)}`], probes), {
    message: /CONNECTION_LOST/,
  })
})

async function* firstHalf(input: Execution['input']) {
  let whole = ''
  for await (const chunk of input) whole += chunk
  yield whole.slice(0, whole.length / 2)
}
