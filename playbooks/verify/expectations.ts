import * as v from 'valibot'
import type { Host, Inventory } from '../../engine/inventory.ts'
import { Port, parseWith } from '../../engine/schemas.ts'
import { variablesOf } from '../../engine/variables.ts'

/** The groups of the pipeline: without a host in each there is no pipeline. */
export const pipelineGroups = ['kafka', 'mongodb', 'processor', 'producers'] as const
export type PipelineGroup = (typeof pipelineGroups)[number]

const Whole = v.pipe(v.number(), v.integer(), v.minValue(0))

/** As much of the roles' variables as decides where to look and what should be there. */
const Variables = v.object({
  kafka: v.optional(v.object({ port: v.optional(Port, 9092) }), {}),
  'kafka-topics': v.optional(
    v.object({
      topics: v.optional(v.record(v.string(), v.object({ partitions: Whole })), {
        tokens: { partitions: 12 },
        'gpu.metrics.v1': { partitions: 12 },
        'token.usage.v1': { partitions: 12 },
        'pipeline.dlq': { partitions: 1 },
      }),
    }),
    {},
  ),
  mongodb: v.optional(
    v.object({ port: v.optional(Port, 27017), database: v.optional(v.string(), 'ca0') }),
    {},
  ),
  processor: v.optional(v.object({ port: v.optional(Port, 8080) }), {}),
  producer: v.optional(v.object({ instances: v.optional(Whole, 2) }), {}),
})

/** What a host should offer, by the variables that the roles were given. */
export interface Expectations {
  kafkaPort: number
  /** Partitions by topic. */
  topics: Map<string, number>
  mongodbPort: number
  database: string
  processorPort: number
  units: string[]
}

/** Indexes by collection, by the names that MongoDB gives them. */
export const expectedIndexes: Record<string, string[]> = {
  gpu_metrics: ['ts_1', 'host_1_gpu_index_1'],
  token_usage: ['ts_1', 'model_1'],
}

/** @throws SluiceError VARIABLE_INVALID */
export function expectationsOf(host: Host, inventory: Inventory): Expectations {
  const variables = parseWith(Variables, variablesOf(host, inventory, []), {
    code: 'VARIABLE_INVALID',
    place: host.name,
    advice: 'correct the variable in the inventory',
  })
  const { kafka, mongodb, processor, producer } = variables
  const topics = Object.entries(variables['kafka-topics'].topics)
  return {
    kafkaPort: kafka.port,
    topics: new Map(topics.map(([name, { partitions }]) => [name, partitions])),
    mongodbPort: mongodb.port,
    database: mongodb.database,
    processorPort: processor.port,
    units: unitsOf(host, producer.instances),
  }
}

function unitsOf({ groups }: Host, producers: number): string[] {
  const byGroup: Record<PipelineGroup, string[]> = {
    kafka: ['zookeeper.service', 'kafka.service'],
    mongodb: ['mongod.service'],
    processor: ['processor.service'],
    producers: Array.from({ length: producers }, (_, index) => `producer@${index + 1}.service`),
  }
  return pipelineGroups.flatMap((group) => (groups.includes(group) ? byGroup[group] : []))
}
