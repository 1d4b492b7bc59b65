import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { runBatch } from '../../../engine/batch.ts'
import { sh } from '../../../engine/shell.ts'
import { localConnection } from '../../support/local-connection.ts'
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

  await t.throwsAsync(
    runBatch(localConnection(), [sh`sleep 300 & echo $! > ${file}; wait`], {
      stopOnFailure: true,
      // Long enough for the step to have begun its child on a busy machine.
      timeoutSeconds: () => 2,
    }),
    { message: /^STEP_TIMEOUT.*2 s/ },
  )

  t.false(runs(readFileSync(file, 'utf8').trim()))
})

test('a stop from outside lets the step in hand end and does not begin the next', async (t) => {
  const stop = new AbortController()
  const ended: number[] = []

  const outcomes = await runBatch(localConnection(), [sh`sleep 2; echo done`, sh`echo next`], {
    ...steps,
    signal: stop.signal,
    onStart: () => stop.abort(),
    onEnd: (index) => ended.push(index),
  })

  t.is(outcomes[0]?.stdout, 'done\n')
  t.deepEqual(ended, [0])
})

test('the controller address that sshd saw is known to every script', async (t) => {
  const [outcome] = await runBatch(localConnection(), [sh`echo "$SLUICE_CLIENT"`], probes)

  t.is(outcome?.stdout, '192.0.2.1\n')
})
