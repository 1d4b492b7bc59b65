import * as v from 'valibot'
import { directory } from '../engine/resources/directory.ts'
import { template } from '../engine/resources/file.ts'
import { listeningPort } from '../engine/resources/listening-port.ts'
import { release } from '../engine/resources/release.ts'
import { systemdUnit } from '../engine/resources/systemd-unit.ts'
import { waitFor } from '../engine/resources/wait-for.ts'
import { defineRole } from '../engine/role.ts'
import { Port } from '../engine/schemas.ts'
import { serviceUnit } from '../templates/service-unit.ts'
import { zookeeperConfiguration, zookeeperLogging } from '../templates/zookeeper.ts'
import { zookeeperArtifact } from './artifacts/zookeeper.ts'
import { heapMb, javaOptions } from './java.ts'
import { account, currentRelease } from './layout.ts'
import { requireMemory } from './memory.ts'
import { serviceData } from './service-data.ts'

const configuration = '/etc/zookeeper/zoo.cfg'
const logging = '/etc/zookeeper/logback.xml'
const dataDirectory = '/var/lib/zookeeper'

/** One ZooKeeper, which only its own host can reach. */
export const zookeeper = defineRole({
  name: 'zookeeper',
  description: 'ZooKeeper 3.9.2 on loopback',
  params: v.strictObject({
    port: v.pipe(v.optional(Port, 2181), v.description('on 127.0.0.1')),
    heapMb: v.pipe(
      v.optional(v.pipe(v.number(), v.integer(), v.minValue(64))),
      v.description('megabytes of heap; left out, a tenth of the memory of the host'),
    ),
  }),
  require: ({ heapMb: heap }, context) => requireMemory('zookeeper.heapMb', heap, context),
  resources: ({ port, heapMb: heap }, { facts }) => [
    release({ name: 'zookeeper', artifact: zookeeperArtifact() }),
    directory({ path: '/etc/zookeeper' }),
    serviceData(dataDirectory),
    template({ path: configuration, render: zookeeperConfiguration, values: { port, dataDirectory } }),
    template({ path: logging, render: zookeeperLogging, values: undefined }),
    systemdUnit({
      unit: 'zookeeper.service',
      content: serviceUnit({
        description: 'ZooKeeper, which keeps the state of Kafka',
        command: [
          '/usr/bin/java',
          ...javaOptions(heap ?? heapMb(facts.memoryMb, 0.1, [128, 512])),
          `-Dlogback.configurationFile=${logging}`,
          `-cp ${currentRelease('zookeeper')}/libs/*`,
          'org.apache.zookeeper.server.quorum.QuorumPeerMain',
          configuration,
        ],
        account: account.name,
        writable: [dataDirectory],
        stopSeconds: 60,
        openFiles: 100_000,
        successExitStatus: 143,
      }),
      enabled: true,
      state: 'running',
      loads: [currentRelease('zookeeper'), configuration, logging],
    }),
    listeningPort({ unit: 'zookeeper.service', port, addresses: ['127.0.0.1'] }),
    waitFor({ unit: 'zookeeper.service', until: { condition: 'port', port } }),
  ],
})
