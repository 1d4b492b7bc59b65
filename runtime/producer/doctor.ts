import type { Kafka } from 'kafkajs'
import type { ProducerEnvironment } from '../config.ts'
import { reasonOf } from '../reason.ts'
import { GpuSourceError } from './gpu.ts'
import { createGpuSource } from './source.ts'

/** What the doctor found out about one thing that the producer needs. */
export interface Finding {
  check: string
  ok: boolean
  /** What was found, or what is wrong and what to do. */
  detail: string
}

/** Tries everything that the producer needs, without sending anything. */
export async function examine(environment: ProducerEnvironment, kafka: Kafka): Promise<Finding[]> {
  return [...(await examineKafka(environment, kafka)), await examineSource(environment)]
}

async function examineKafka(environment: ProducerEnvironment, kafka: Kafka): Promise<Finding[]> {
  const servers = environment.KAFKA_BOOTSTRAP.join(',')
  const admin = kafka.admin({ retry: { retries: 1 } })
  try {
    await admin.connect()
    const { brokers } = await admin.describeCluster()
    const advertised = brokers.map(({ host, port }) => `${host}:${port}`).join(', ')
    const there = await admin.listTopics()
    const wanted = [environment.TOPIC_METRIC, environment.KAFKA_TOPIC ?? environment.TOPIC_TOKEN]
    const findings: Finding[] = [
      { check: 'kafka', ok: true, detail: `${servers} answers; brokers ${advertised}` },
    ]
    for (const topic of wanted) {
      if (!there.includes(topic)) {
        findings.push({
          check: `topic ${topic}`,
          ok: false,
          detail: 'is not there; make it, or set another name',
        })
        continue
      }
      const { topics } = await admin.fetchTopicMetadata({ topics: [topic] })
      const count = topics[0]?.partitions.length ?? 0
      findings.push({ check: `topic ${topic}`, ok: count > 0, detail: `${count} partitions` })
    }
    return findings
  } catch (error) {
    const why = reasonOf(error)
    return [
      { check: 'kafka', ok: false, detail: `${servers}: ${why}; check KAFKA_BOOTSTRAP and the firewall` },
    ]
  } finally {
    await admin.disconnect()
  }
}

async function examineSource(environment: ProducerEnvironment): Promise<Finding> {
  const check = `gpu source ${environment.GPU_METRICS_SOURCE}`
  try {
    const source = await createGpuSource(environment)
    const gpus = await source.read()
    const names = gpus.map(({ host, gpu_index, name }) => `${host}#${gpu_index} ${name}`).join(', ')
    const remark = source.remark === undefined ? '' : `; but ${source.remark}`
    return { check, ok: true, detail: `${source.name}: ${names}${remark}` }
  } catch (error) {
    if (!(error instanceof GpuSourceError)) throw error
    return { check, ok: false, detail: `${error.message}; ${error.advice}` }
  }
}
