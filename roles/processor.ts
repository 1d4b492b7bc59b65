import * as v from 'valibot'
import { file } from '../engine/resources/file.ts'
import { listeningPort } from '../engine/resources/listening-port.ts'
import { release } from '../engine/resources/release.ts'
import { systemdUnit } from '../engine/resources/systemd-unit.ts'
import { waitFor } from '../engine/resources/wait-for.ts'
import { defineRole, type RoleContext } from '../engine/role.ts'
import { Port } from '../engine/schemas.ts'
import { environmentFile } from '../templates/environment.ts'
import { serviceUnit } from '../templates/service-unit.ts'
import { runtimeArtifact } from './artifacts/runtime.ts'
import { kafka } from './kafka/kafka.ts'
import { account, configurationDirectory, currentRelease, serviceAddress } from './layout.ts'
import { requireMemory } from './memory.ts'
import { mongodb } from './mongodb/mongodb.ts'
import { memoryLimit, misconfigured, nodeBinary, nodeOptions } from './node.ts'

const environment = `${configurationDirectory}/processor.env`

/** `host:port` of every broker. */
export function brokers({ group, paramsOf }: RoleContext): string {
  return group('kafka')
    .map((host) => `${serviceAddress(host)}:${paramsOf(kafka, host).port}`)
    .join(',')
}

function databaseUri({ group, paramsOf }: RoleContext): string {
  const servers = group('mongodb').map((host) => ({ host, ...paramsOf(mongodb, host) }))
  const places = servers.map(({ host, port }) => `${serviceAddress(host)}:${port}`).join(',')
  return `mongodb://${places}/${servers[0]?.database ?? ''}`
}

/** The processor: messages from Kafka, with their cost, into MongoDB. */
export const processor = defineRole({
  name: 'processor',
  description: 'the processor, with its dashboard, /health, /ready, /gpu/info, /api/usage and /metrics',
  params: v.strictObject({
    port: v.pipe(
      v.optional(Port, 8080),
      v.description('of the dashboard, /health, /ready, /gpu/info, /api/usage and /metrics'),
    ),
    pricePerHourUsd: v.pipe(
      v.optional(v.pipe(v.number(), v.minValue(0)), 0.85),
      v.description('price of a GPU that has told none'),
    ),
    retentionDays: v.pipe(
      v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(36_500))),
      v.description('days after which documents are deleted, without it never; their sums stay'),
    ),
    heapMb: v.pipe(
      v.optional(v.pipe(v.number(), v.integer(), v.minValue(64)), 192),
      v.description('megabytes of heap'),
    ),
    logLevel: v.pipe(
      v.optional(v.picklist(['debug', 'info', 'warn', 'error']), 'info'),
      v.description('how much it logs'),
    ),
  }),
  require: ({ heapMb }, context) => requireMemory('processor.heapMb', heapMb, context),
  resources: (params, context) => [
    release({ name: 'processor', artifact: runtimeArtifact('processor') }),
    file({
      path: environment,
      mode: '0640',
      group: account.name,
      content: environmentFile({
        NODE_ENV: 'production',
        KAFKA_BOOTSTRAP: brokers(context),
        MONGODB_URI: databaseUri(context),
        PRICE_PER_HOUR_USD: params.pricePerHourUsd,
        RETENTION_DAYS: params.retentionDays,
        HTTP_PORT: params.port,
        LOG_LEVEL: params.logLevel,
        HOSTNAME: context.host.name,
      }),
    }),
    systemdUnit({
      unit: 'processor.service',
      content: serviceUnit({
        description: 'Sluice processor: Kafka to MongoDB',
        command: [nodeBinary, ...nodeOptions(params.heapMb), `${currentRelease('processor')}/processor.cjs`],
        environmentFile: environment,
        account: account.name,
        stopSeconds: 30,
        openFiles: 65_536,
        extra: [...misconfigured, memoryLimit(params.heapMb)],
      }),
      enabled: true,
      state: 'running',
      loads: [currentRelease('node'), currentRelease('processor'), environment],
    }),
    listeningPort({ unit: 'processor.service', port: params.port, addresses: ['0.0.0.0'] }),
    waitFor({
      unit: 'processor.service',
      until: {
        condition: 'http',
        address: serviceAddress(context.host),
        port: params.port,
        path: '/ready',
      },
      timeoutSeconds: 180,
    }),
  ],
})
