import * as v from 'valibot'
import { directory } from '../engine/resources/directory.ts'
import { file } from '../engine/resources/file.ts'
import { release } from '../engine/resources/release.ts'
import { systemdUnit } from '../engine/resources/systemd-unit.ts'
import { unitInstances } from '../engine/resources/unit-instances.ts'
import { defineRole } from '../engine/role.ts'
import { environmentFile } from '../templates/environment.ts'
import { serviceUnit } from '../templates/service-unit.ts'
import { koffiArtifact, koffiBinding } from './artifacts/koffi.ts'
import { runtimeArtifact } from './artifacts/runtime.ts'
import { account, configurationDirectory, currentRelease } from './layout.ts'
import { memoryLimit, misconfigured, nodeBinary, nodeOptions } from './node.ts'
import { brokers } from './processor.ts'

const environment = `${configurationDirectory}/producer.env`
const template = 'producer@.service'
const heapMb = 128

/** What waits for Kafka, a directory an instance. */
const stateDirectory = '/var/lib/sluice-producer'

/** NVML is a library of C, which needs a file more to be called. */
const byNvml = ({ source }: { source: string }): boolean => source === 'nvml' || source === 'auto'

/** Producers that send GPU and token events for ever, each an instance of one unit. */
export const producer = defineRole({
  name: 'producer',
  description: 'the producers, instances of producer@.service',
  params: v.strictObject({
    instances: v.pipe(
      v.optional(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(64)), 2),
      v.description('how many run'),
    ),
    source: v.pipe(
      v.optional(v.picklist(['seed', 'nvidia-smi', 'nvml', 'auto']), 'seed'),
      v.description('where GPU samples come from; auto: nvml, else nvidia-smi, else seed'),
    ),
    sleepSeconds: v.pipe(
      v.optional(v.pipe(v.number(), v.minValue(0)), 0.5),
      v.description('between two events of an instance'),
    ),
    pricePerHourUsd: v.pipe(
      v.optional(v.pipe(v.number(), v.minValue(0)), 0.85),
      v.description('price of a GPU whose source has none'),
    ),
    spoolMb: v.pipe(
      v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(1_000_000)), 256),
      v.description('megabytes of events that an instance keeps on disk while Kafka is away'),
    ),
    logLevel: v.pipe(
      v.optional(v.picklist(['debug', 'info', 'warn', 'error']), 'info'),
      v.description('how much they log'),
    ),
  }),
  resources: (params, context) => [
    ...(byNvml(params)
      ? [release({ name: 'koffi', artifact: koffiArtifact(context.facts.architecture) })]
      : []),
    release({ name: 'producer', artifact: runtimeArtifact('producer') }),
    // What an instance keeps there its unit makes, as a state directory of its own.
    directory({ path: stateDirectory, holdsData: true }),
    file({
      path: environment,
      mode: '0640',
      group: account.name,
      content: environmentFile({
        NODE_ENV: 'production',
        KAFKA_BOOTSTRAP: brokers(context),
        GPU_METRICS_SOURCE: params.source,
        NVML_BINDING: byNvml(params)
          ? `${currentRelease('koffi')}/${koffiBinding(context.facts.architecture)}`
          : undefined,
        PRICE_PER_HOUR_USD: params.pricePerHourUsd,
        SLEEP_SEC: params.sleepSeconds,
        SPOOL_MB: params.spoolMb,
        // They divide the GPUs of the host among them.
        PRODUCER_INSTANCES: params.instances === 0 ? undefined : params.instances,
        LOG_LEVEL: params.logLevel,
        HOSTNAME: context.host.name,
      }),
    }),
    systemdUnit({
      unit: template,
      content: serviceUnit({
        description: 'Sluice producer %i: GPU and token events to Kafka',
        command: [
          nodeBinary,
          ...nodeOptions(heapMb),
          `${currentRelease('producer')}/producer.cjs`,
          '--follow',
        ],
        environment: {
          PRODUCER_INSTANCE: '%i',
          SPOOL_DIR: `${stateDirectory}/%i/spool`,
          METRICS_FILE: `${stateDirectory}/%i/producer.prom`,
        },
        environmentFile: environment,
        account: account.name,
        stopSeconds: 30,
        openFiles: 65_536,
        ...(params.source === 'seed' ? {} : { devices: ['nvidia*'] }),
        extra: [
          ...misconfigured,
          memoryLimit(heapMb),
          'StateDirectory=sluice-producer/%i',
          'StateDirectoryMode=0750',
        ],
      }),
    }),
    unitInstances({
      template,
      keep: Array.from({ length: params.instances }, (_, index) => String(index + 1)),
    }),
    ...Array.from({ length: params.instances }, (_, index) =>
      systemdUnit({
        unit: `producer@${index + 1}.service`,
        enabled: true,
        state: 'running',
        loads: [
          `/etc/systemd/system/${template}`,
          currentRelease('node'),
          currentRelease('producer'),
          environment,
        ],
      }),
    ),
  ],
})
