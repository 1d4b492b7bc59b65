import type { Host, Inventory } from '../../engine/inventory.ts'
import type { Role } from '../../engine/role.ts'
import { variablesOf } from '../../engine/variables.ts'
import { kafka } from '../../roles/kafka/kafka.ts'
import { kafkaTopics } from '../../roles/kafka/topics.ts'
import { mongodb } from '../../roles/mongodb/mongodb.ts'
import { processor } from '../../roles/processor.ts'
import { producer } from '../../roles/producer.ts'

/** The groups of the pipeline: without a host in each there is no pipeline. */
export const pipelineGroups = ['kafka', 'mongodb', 'processor', 'producers'] as const
export type PipelineGroup = (typeof pipelineGroups)[number]

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
  const variables = variablesOf(host, inventory, [])
  const read = <Params>(role: Role<Params>) => role.read(variables[role.name], host.name)
  const { port: mongodbPort, database } = read(mongodb)
  const topics = Object.entries(read(kafkaTopics).topics)
  return {
    kafkaPort: read(kafka).port,
    topics: new Map(topics.map(([name, { partitions }]) => [name, partitions])),
    mongodbPort,
    database,
    processorPort: read(processor).port,
    units: unitsOf(host, read(producer).instances),
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
