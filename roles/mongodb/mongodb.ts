import * as v from 'valibot'
import type { Facts } from '../../engine/facts.ts'
import type { Host } from '../../engine/inventory.ts'
import { aptPackage } from '../../engine/resources/apt-package.ts'
import { template } from '../../engine/resources/file.ts'
import { listeningPort } from '../../engine/resources/listening-port.ts'
import { release } from '../../engine/resources/release.ts'
import { systemdUnit } from '../../engine/resources/systemd-unit.ts'
import { waitFor } from '../../engine/resources/wait-for.ts'
import { defineRole } from '../../engine/role.ts'
import { Port } from '../../engine/schemas.ts'
import { mongodConfiguration } from '../../templates/mongod.ts'
import { serviceUnit } from '../../templates/service-unit.ts'
import { transparentHugePagesUnit } from '../../templates/transparent-huge-pages.ts'
import { mongodbArtifact } from '../artifacts/mongodb.ts'
import { account, currentRelease, serviceAddress } from '../layout.ts'
import { requireMemory } from '../memory.ts'
import { requireOneHost } from '../only-host.ts'
import { serviceData } from '../service-data.ts'
import { mongoIndex } from './index-resource.ts'

const configuration = '/etc/mongod.conf'
const dataDirectory = '/var/lib/mongodb'

/** The indexes of requirements.md; the processor makes the same ones when it starts. */
const indexes = [
  { collection: 'gpu_metrics', keys: { ts: 1 } },
  { collection: 'gpu_metrics', keys: { host: 1, gpu_index: 1 } },
  { collection: 'token_usage', keys: { ts: 1 } },
  { collection: 'token_usage', keys: { model: 1 } },
] as const

/** Where mongod listens. */
const listensOn = ({ privateAddresses }: Host) => ['127.0.0.1', '::1', ...privateAddresses]

/** What mongod is linked to and a small system lacks. Ubuntu 24.04 renamed some for its 64-bit time. */
function libraries({ distribution, release: version }: Facts): string[] {
  const renamed = distribution === 'ubuntu' && Number(version) >= 24.04
  return [renamed ? 'libcurl4t64' : 'libcurl4', 'liblzma5']
}

/** MongoDB, bound to loopback and the private addresses, with the pipeline's indexes. */
export const mongodb = defineRole({
  name: 'mongodb',
  description: 'MongoDB 7.0 by preference, on loopback and the private addresses',
  params: v.strictObject({
    port: v.pipe(v.optional(Port, 27017), v.description('on loopback and the private addresses')),
    database: v.pipe(
      v.optional(v.pipe(v.string(), v.regex(/^[a-zA-Z0-9_-]{1,63}$/, 'should be a database name')), 'ca0'),
      v.description('the database of the pipeline'),
    ),
    cacheGb: v.pipe(
      v.optional(v.pipe(v.number(), v.minValue(0.25))),
      v.description('gigabytes of cache; left out, half of the memory beyond 1 GB, as MongoDB itself has it'),
    ),
  }),
  require: ({ cacheGb }, context) => requireMemory('mongodb.cacheGb', cacheGb && cacheGb * 1024, context),
  resources: ({ port, database, cacheGb }, { facts, host, group }) => {
    requireOneHost('mongodb', group('mongodb'))
    return [
      aptPackage({ name: libraries(facts) }),
      release({ name: 'mongodb', artifact: mongodbArtifact(facts) }),
      serviceData(dataDirectory),
      template({
        path: configuration,
        render: mongodConfiguration,
        values: {
          addresses: listensOn(host),
          port,
          dataDirectory,
          cacheGb: cacheGb ?? Math.max(0.25, Math.round(((facts.memoryMb / 1024 - 1) / 2) * 4) / 4),
        },
      }),
      // Readahead stays as the system has it: MongoDB's notes want less, but the data are on the system's own disk,
      // whose readahead is one for all that is on it.
      // MongoDB up to 7.0 wants huge pages off; in a container they belong to the machine.
      ...(facts.container
        ? []
        : [
            systemdUnit({
              unit: 'disable-transparent-huge-pages.service',
              content: transparentHugePagesUnit(),
              enabled: true,
              state: 'running',
            }),
          ]),
      systemdUnit({
        unit: 'mongod.service',
        content: serviceUnit({
          description: 'MongoDB',
          command: [`${currentRelease('mongodb')}/bin/mongod`, '--config', configuration],
          account: account.name,
          writable: [dataDirectory],
          stopSeconds: 120,
          openFiles: 64_000,
          extra: ['LimitNPROC=64000', 'LimitMEMLOCK=infinity', 'TasksMax=infinity'],
        }),
        enabled: true,
        state: 'running',
        loads: [currentRelease('mongodb'), configuration],
      }),
      listeningPort({ unit: 'mongod.service', port, addresses: listensOn(host) }),
      waitFor({ unit: 'mongod.service', until: { condition: 'port', port } }),
      ...indexes.map(({ collection, keys }) =>
        mongoIndex({ database, collection, keys, address: serviceAddress(host), port }),
      ),
    ]
  },
})
