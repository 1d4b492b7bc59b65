import * as v from 'valibot'
import { defineRole } from '../../engine/role.ts'
import { serviceAddress } from '../layout.ts'
import { kafka } from './kafka.ts'
import { kafkaTopic } from './topic.ts'

const TopicName = v.pipe(v.string(), v.regex(/^[a-zA-Z0-9._-]{1,249}$/, 'should be a topic name'))

const RetentionHours = v.pipe(
  v.number(),
  v.integer(),
  v.check((hours) => hours === -1 || hours >= 1, 'should be hours, 1 at least, or -1 for ever'),
)

/** The pipeline's topics. Partitions are added where there are too few; fewer is an error, since Kafka cannot. */
export const kafkaTopics = defineRole({
  name: 'kafka-topics',
  description: 'the topics tokens, gpu.metrics.v1, token.usage.v1 and pipeline.dlq',
  params: v.strictObject({
    topics: v.pipe(
      v.optional(
        v.record(
          TopicName,
          v.strictObject({
            partitions: v.pipe(v.number(), v.integer(), v.minValue(1)),
            retentionHours: v.optional(RetentionHours),
          }),
        ),
        {
          tokens: { partitions: 12 },
          'gpu.metrics.v1': { partitions: 12 },
          'token.usage.v1': { partitions: 12 },
          // Whoever looks after a week's holiday should find the letters.
          'pipeline.dlq': { partitions: 3, retentionHours: -1 },
        },
      ),
      v.description(
        'partitions by name, and retentionHours where it is another than that of the broker; -1 keeps for ever',
      ),
    ),
  }),
  resources: ({ topics }, { host, group, paramsOf }) =>
    // One broker speaks for all of them.
    group('kafka')[0] !== host
      ? []
      : Object.entries(topics).map(([name, { partitions, retentionHours }]) =>
          kafkaTopic({
            name,
            partitions,
            replication: 1,
            ...(retentionHours === undefined ? {} : { retentionMs: inMilliseconds(retentionHours) }),
            address: serviceAddress(host),
            port: paramsOf(kafka, host).port,
          }),
        ),
})

const inMilliseconds = (hours: number): number => (hours === -1 ? -1 : hours * 3_600_000)
