import test from 'ava'
import { tellingLines } from '../../../../playbooks/verify/telling-lines.ts'

const line = (message: string, { second = '13', program = 'java[1806]' } = {}) =>
  `2026-11-21T21:21:${second}+0000 vm1 ${program}: ${message}`

const talk = Array.from({ length: 18 }, (_, index) =>
  line(`INFO [ThrottledChannelReaper-${index}]: Shutdown completed (kafka.server.Manager)`),
)

test('of a unit that was stopped only its end is told', (t) => {
  const end = [
    line('kafka.service: Deactivated successfully.', { program: 'systemd[1]' }),
    line('Stopped kafka.service - Kafka broker.', { program: 'systemd[1]' }),
    line('kafka.service: Consumed 12.345s CPU time.', { program: 'systemd[1]' }),
  ]

  t.deepEqual(tellingLines([...talk, ...end]), [
    '2026-11-21 21:21:13 systemd: kafka.service: Deactivated successfully.',
    '2026-11-21 21:21:13 systemd: Stopped kafka.service - Kafka broker.',
  ])
})

test('an error among much talk is told with how the unit ended, and what came again is told once', (t) => {
  const tries = ['14', '24', '34'].flatMap((second) => [
    line('ERROR Exiting Kafka due to fatal exception (kafka.Kafka$)', { second }),
    line('java.nio.file.NoSuchFileException: /etc/kafka/server.properties', { second }),
    line('        at sun.nio.fs.UnixException.translateToIOException(UnixException.java:92)', { second }),
    line('kafka.service: Main process exited, code=exited, status=1/FAILURE', {
      second,
      program: 'systemd[1]',
    }),
    line(`kafka.service: Scheduled restart job, restart counter is at ${second}.`, { program: 'systemd[1]' }),
  ])

  t.deepEqual(tellingLines([...talk, ...tries, ...talk.slice(0, 3)]), [
    '2026-11-21 21:21:34 java: ERROR Exiting Kafka due to fatal exception (kafka.Kafka$)',
    '2026-11-21 21:21:34 java: java.nio.file.NoSuchFileException: /etc/kafka/server.properties',
    '2026-11-21 21:21:34 systemd: kafka.service: Main process exited, code=exited, status=1/FAILURE',
  ])
})

test('of an entry in JSON the message and its error are told', (t) => {
  const entry = (fields: object) => line(JSON.stringify(fields), { program: 'mongod[9]' })

  t.deepEqual(
    tellingLines([
      entry({ s: 'I', msg: 'Shutting down' }),
      entry({ s: 'E', msg: 'Failed to open', attr: { error: 'disk is full' } }),
      entry({ level: 'error', msg: 'not stored', err: { message: 'no primary' } }),
    ]),
    [
      '2026-11-21 21:21:13 mongod: Failed to open: disk is full',
      '2026-11-21 21:21:13 mongod: not stored: no primary',
    ],
  )
})

test('where there is no error warnings are told, and where nothing says anything the last line is', (t) => {
  const warning = line('WARN Session expired (org.apache.zookeeper.ClientCnxn)')

  t.deepEqual(tellingLines([warning, ...talk]), [
    '2026-11-21 21:21:13 java: WARN Session expired (org.apache.zookeeper.ClientCnxn)',
  ])
  t.is(tellingLines(talk).length, 1)
  t.deepEqual(tellingLines(['-- No entries --']), ['-- No entries --'])
  t.deepEqual(tellingLines([]), [])
})
