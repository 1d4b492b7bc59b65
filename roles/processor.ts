import * as v from 'valibot'
import { file } from '../engine/resources/file.ts'
import { release } from '../engine/resources/release.ts'
import { systemdUnit } from '../engine/resources/systemd-unit.ts'
import { waitFor } from '../engine/resources/wait-for.ts'
import { defineRole, type RoleContext } from '../engine/role.ts'
import { Port } from '../engine/schemas.ts'
import { environmentFile } from '../templates/environment.ts'
import { serviceUnit } from '../templates/service-unit.ts'
import { runtimeArtifact } from './artifacts/runtime.ts'
import { account, configurationDirectory, currentRelease, serviceAddress } from './layout.ts'
import { misconfigured, nodeBinary, nodeOptions } from './node.ts'

const environment = `${configurationDirectory}/processor.env`

/** `host:port` of every host of a group, for clients that take a list. */
export function endpoints({ group }: RoleContext, name: string, port: number): string {
  return group(name)
    .map((host) => `${serviceAddress(host)}:${port}`)
    .join(',')
}

/** The processor: messages from Kafka, with their cost, into MongoDB. */
export const processor = defineRole({
  name: 'processor',
  description: 'the processor, with /health, /ready, /gpu/info and /metrics',
  params: v.strictObject({
    port: v.optional(Port, 8080),
    kafkaPort: v.optional(Port, 9092),
    mongodbPort: v.optional(Port, 27017),
    database: v.optional(v.string(), 'ca0'),
    pricePerHourUsd: v.optional(v.pipe(v.number(), v.minValue(0)), 0.85),
    heapMb: v.optional(v.pipe(v.number(), v.integer(), v.minValue(64)), 192),
    logLevel: v.optional(v.picklist(['debug', 'info', 'warn', 'error']), 'info'),
  }),
  resources: (params, context) => [
    release({ name: 'processor', artifact: runtimeArtifact('processor') }),
    file({
      path: environment,
      mode: '0640',
      group: account.name,
      content: environmentFile({
        NODE_ENV: 'production',
        KAFKA_BOOTSTRAP: endpoints(context, 'kafka', params.kafkaPort),
        MONGODB_URI: `mongodb://${endpoints(context, 'mongodb', params.mongodbPort)}/${params.database}`,
        PRICE_PER_HOUR_USD: params.pricePerHourUsd,
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
        extra: misconfigured,
      }),
      enabled: true,
      state: 'running',
      loads: [currentRelease('node'), currentRelease('processor'), environment],
    }),
    waitFor({
      unit: 'processor.service',
      until: { condition: 'http', address: serviceAddress(context.host), port: params.port, path: '/ready' },
    }),
  ],
})
