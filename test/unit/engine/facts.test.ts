import test from 'ava'
import { runBatch } from '../../../engine/batch.ts'
import { factsScript, parseFacts } from '../../../engine/facts.ts'
import { localConnection } from '../../support/local-connection.ts'

const said = `hostname=vm1
distribution=ubuntu
release=24.04
machine=aarch64
processors=2
memoryKb=2000000
memoryLimit=max
client=192.0.2.1
`

test('facts are read from what the script prints, whatever else is printed', (t) => {
  t.deepEqual(parseFacts(`Welcome = to the machine\n${said}`, 'vm1'), {
    hostname: 'vm1',
    distribution: 'ubuntu',
    release: '24.04',
    architecture: 'arm64',
    processors: 2,
    memoryMb: 1953,
    container: false,
    clientAddress: '192.0.2.1',
  })
})

test('a time daemon that somebody chose is told', (t) => {
  t.is(parseFacts(`${said}timeDaemon=chronyd\n`, 'vm1').timeDaemon, 'chronyd')
})

test('a memory limit below the memory is what the host has', (t) => {
  t.is(parseFacts(said.replace('=max', `=${512 * 1024 * 1024}`), 'vm1').memoryMb, 512)
})

test('a machine that no role knows is an error that names it', (t) => {
  t.throws(() => parseFacts(said.replace('aarch64', 'riscv64'), 'vm1'), {
    message: /HOST_UNSUPPORTED.*x86_64 or aarch64, is riscv64/,
  })
})

test('a system that the roles do not know is an error that names it', (t) => {
  t.throws(() => parseFacts(said.replace('ubuntu', 'gentoo').replace('24.04', '2.15'), 'vm1'), {
    message: /HOST_UNSUPPORTED.*should be Debian or Ubuntu, is gentoo 2\.15/,
  })
})

test('the script tells all of it on a real system', async (t) => {
  const [outcome] = await runBatch(localConnection(), [factsScript], {
    stopOnFailure: false,
    timeoutSeconds: () => 20,
  })

  const facts = parseFacts(outcome?.stdout ?? '', 'here')

  t.is(outcome?.exitCode, 0)
  t.true(facts.memoryMb > 100 && facts.processors >= 1)
})
