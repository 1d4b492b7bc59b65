import test from 'ava'
import { parse } from 'yaml'
import { environmentFile } from '../../../templates/environment.ts'
import { kafkaServerProperties } from '../../../templates/kafka.ts'
import { mongodConfiguration } from '../../../templates/mongod.ts'
import { serviceUnit } from '../../../templates/service-unit.ts'
import { zookeeperConfiguration } from '../../../templates/zookeeper.ts'

const broker = {
  brokerId: 1,
  address: '10.0.1.10',
  port: 9092,
  zookeeper: '127.0.0.1:2181',
  dataDirectory: '/var/lib/kafka',
  partitions: 12,
  retentionHours: 168,
}

test('Kafka listens on, and is advertised as, the private address and nothing else', (t) => {
  const text = kafkaServerProperties(broker)

  t.regex(text, /^listeners=PLAINTEXT:\/\/10\.0\.1\.10:9092$/m)
  t.regex(text, /^advertised\.listeners=PLAINTEXT:\/\/10\.0\.1\.10:9092$/m)
  t.regex(text, /^auto\.create\.topics\.enable=false$/m)
  t.regex(
    kafkaServerProperties({ ...broker, address: 'fd77::10' }),
    /^listeners=PLAINTEXT:\/\/\[fd77::10\]:9092$/m,
  )
})

test('ZooKeeper listens on loopback only', (t) => {
  t.regex(zookeeperConfiguration({ port: 2181, dataDirectory: '/d' }), /^clientPortAddress=127\.0\.0\.1$/m)
})

test('mongod.conf is YAML that binds to the addresses it was given', (t) => {
  const text = mongodConfiguration({
    addresses: ['127.0.0.1', '10.0.1.11'],
    port: 27017,
    dataDirectory: '/d',
    cacheGb: 0.5,
  })

  t.deepEqual(parse(text), {
    storage: { dbPath: '/d', wiredTiger: { engineConfig: { cacheSizeGB: 0.5 } } },
    net: { port: 27017, ipv6: true, bindIp: '127.0.0.1,10.0.1.11', unixDomainSocket: { enabled: false } },
  })
})

test('a service runs unprivileged, writes only where it may, and is started again when it fails', (t) => {
  const unit = serviceUnit({
    description: 'Example',
    command: ['/bin/true', '--flag'],
    account: 'pipeline',
    writable: ['/var/lib/example'],
    stopSeconds: 30,
    openFiles: 100,
    successExitStatus: 143,
  })

  for (const line of [
    'User=pipeline',
    'ExecStart=/bin/true --flag',
    'Restart=on-failure',
    'NoNewPrivileges=yes',
    'ProtectSystem=strict',
    'ReadWritePaths=/var/lib/example',
    'SuccessExitStatus=143',
    'WantedBy=multi-user.target',
  ]) {
    t.true(unit.split('\n').includes(line), line)
  }
  t.notRegex(unit, /MemoryDenyWriteExecute/)
})

test('an environment file quotes what systemd would expand, and refuses what it cannot hold', (t) => {
  t.is(environmentFile({ A: 'x "y" $z \\ `', B: 2, C: undefined }), 'A="x \\"y\\" \\$z \\\\ \\`"\nB="2"\n')
  t.throws(() => environmentFile({ A: 'a\nb' }), { instanceOf: TypeError, message: /^A:/ })
})
