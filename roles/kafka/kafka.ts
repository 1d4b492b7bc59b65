import * as v from 'valibot'
import { directory } from '../../engine/resources/directory.ts'
import { template } from '../../engine/resources/file.ts'
import { listeningPort } from '../../engine/resources/listening-port.ts'
import { release } from '../../engine/resources/release.ts'
import { systemdUnit } from '../../engine/resources/systemd-unit.ts'
import { waitFor } from '../../engine/resources/wait-for.ts'
import { defineRole } from '../../engine/role.ts'
import { Port } from '../../engine/schemas.ts'
import { kafkaLogging, kafkaServerProperties } from '../../templates/kafka.ts'
import { serviceUnit } from '../../templates/service-unit.ts'
import { kafkaArtifact } from '../artifacts/kafka.ts'
import { heapMb, javaOptions } from '../java.ts'
import { account, currentRelease, serviceAddress } from '../layout.ts'
import { requireMemory } from '../memory.ts'
import { requireOneHost } from '../only-host.ts'
import { serviceData } from '../service-data.ts'
import { zookeeper } from '../zookeeper.ts'

const configuration = '/etc/kafka/server.properties'
const logging = '/etc/kafka/log4j.properties'
const dataDirectory = '/var/lib/kafka'

const KafkaParams = v.strictObject({
  port: v.pipe(v.optional(Port, 9092), v.description('on the private address')),
  heapMb: v.pipe(
    v.optional(v.pipe(v.number(), v.integer(), v.minValue(128))),
    v.description(
      'megabytes of heap, three quarters of the memory of the host at most; left out, 0.4 of the memory of the host, the rest being its page cache',
    ),
  ),
  retentionHours: v.pipe(
    v.optional(v.pipe(v.number(), v.integer(), v.minValue(1)), 168),
    v.description('how long messages are kept'),
  ),
})

/** A Kafka broker that is advertised on, and listens on, the private address. */
export const kafka = defineRole({
  name: 'kafka',
  description: 'Kafka 3.7.0 on the private address',
  params: KafkaParams,
  require: ({ heapMb: heap }, context) => requireMemory('kafka.heapMb', heap, context),
  resources: ({ port, heapMb: heap, retentionHours }, { facts, host, group, paramsOf }) => {
    requireOneHost('kafka', group('kafka'))
    return [
      release({ name: 'kafka', artifact: kafkaArtifact() }),
      directory({ path: '/etc/kafka' }),
      serviceData(dataDirectory),
      template({
        path: configuration,
        render: kafkaServerProperties,
        values: {
          brokerId: group('kafka').indexOf(host) + 1,
          address: serviceAddress(host),
          port,
          zookeeper: `127.0.0.1:${paramsOf(zookeeper, host).port}`,
          dataDirectory,
          partitions: 12,
          retentionHours,
        },
      }),
      template({ path: logging, render: kafkaLogging, values: undefined }),
      systemdUnit({
        unit: 'kafka.service',
        content: serviceUnit({
          description: 'Kafka broker',
          after: ['zookeeper.service'],
          wants: ['zookeeper.service'],
          command: [
            '/usr/bin/java',
            ...javaOptions(heap ?? heapMb(facts.memoryMb, 0.4, [256, 6144])),
            `-Dlog4j.configuration=file:${logging}`,
            `-cp ${currentRelease('kafka')}/libs/*`,
            'kafka.Kafka',
            configuration,
          ],
          account: account.name,
          writable: [dataDirectory],
          // A controlled shutdown hands over leadership and flushes; killing it early means a long recovery.
          stopSeconds: 180,
          openFiles: 1_000_000,
          successExitStatus: 143,
        }),
        enabled: true,
        state: 'running',
        loads: [currentRelease('kafka'), configuration, logging],
        startTimeoutSeconds: 200,
      }),
      listeningPort({ unit: 'kafka.service', port, addresses: [serviceAddress(host)] }),
      waitFor({ unit: 'kafka.service', until: { condition: 'port', port }, timeoutSeconds: 240 }),
    ]
  },
})
