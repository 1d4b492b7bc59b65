import { rename, writeFile } from 'node:fs/promises'
import { Counter, Gauge, Registry } from 'prom-client'
import type { Logger } from '../log.ts'
import { pause } from '../pause.ts'
import { type Outbox, unknownTopic } from './outbox.ts'

const everyMs = 5000

/**
 * Rewrites a file every few seconds with what the producer counts, as the textfile collector of Prometheus' node
 * exporter reads it: a producer listens on no port. Returns how to end that.
 */
export function keepMetricsFile(
  path: string | undefined,
  { outbox, topics, log }: { outbox: Outbox; topics: readonly string[]; log: Logger },
): () => Promise<void> {
  if (path === undefined) return async () => undefined
  const ending = new AbortController()
  const registry = metricsOf(outbox, topics)
  const write = async () => {
    try {
      await writeFile(`${path}.staged`, await registry.metrics(), { mode: 0o644 })
      await rename(`${path}.staged`, path)
    } catch (error) {
      log.warn({ err: error, path }, 'the metrics could not be written')
    }
  }
  const kept = (async () => {
    while (!ending.signal.aborted) {
      await write()
      await pause(everyMs, ending.signal)
    }
    await write()
  })()
  return async () => {
    ending.abort()
    await kept
  }
}

/** What an outbox counts, read when it is asked for. */
export function metricsOf(outbox: Pick<Outbox, 'counts' | 'fill'>, topics: readonly string[]): Registry {
  const registry = new Registry()
  const registers = [registry]
  new Counter({
    name: 'sluice_producer_events_total',
    help: 'Events since the start, by what became of them',
    labelNames: ['topic', 'result'] as const,
    registers,
    collect() {
      this.reset()
      // A counter that began with its first loss would hide that one from an alarm on its increase.
      for (const topic of [...topics, unknownTopic]) this.inc({ topic, result: 'given_up' }, 0)
      for (const [result, counts] of Object.entries(outbox.counts)) {
        for (const [topic, count] of Object.entries(counts)) this.inc({ topic, result }, Number(count))
      }
    },
  })
  new Gauge({
    name: 'sluice_producer_spool_bytes',
    help: 'Bytes of events on disk that wait for Kafka',
    registers,
    collect() {
      this.set(outbox.fill.bytes)
    },
  })
  new Gauge({
    name: 'sluice_producer_spool_limit_bytes',
    help: 'Bytes that may wait on disk; beyond them new events are lost',
    registers,
    collect() {
      this.set(outbox.fill.limitBytes)
    },
  })
  return registry
}
