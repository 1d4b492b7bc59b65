import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import { DelayHistogram } from './delay-histogram.ts'

/** Everything that the processor counts and measures, under the names that Prometheus reads it by. */
export class ProcessorMetrics {
  readonly registry = new Registry()

  /** By result: stored, duplicate (was there already), rejected (is in the dead-letter topic). */
  readonly events = new Counter({
    name: 'sluice_processor_events_total',
    help: 'Messages taken from Kafka, by what became of them',
    labelNames: ['topic', 'result'] as const,
    registers: [this.registry],
  })
  readonly deadLetters = new Counter({
    name: 'sluice_processor_dead_letters_total',
    help: 'Messages sent to the dead-letter topic',
    labelNames: ['topic'] as const,
    registers: [this.registry],
  })
  readonly deadLettersHeld = new Gauge({
    name: 'sluice_processor_dead_letter_topic_messages',
    help: 'Messages that lie in the dead-letter topic, whoever sent them',
    // Without a label the gauge would say 0 before anything is known.
    labelNames: ['topic'] as const,
    registers: [this.registry],
  })
  readonly lag = new Gauge({
    name: 'sluice_processor_lag_messages',
    help: 'Messages of a partition that are not processed yet',
    labelNames: ['topic', 'partition'] as const,
    registers: [this.registry],
  })
  readonly batchMessages = new Histogram({
    name: 'sluice_processor_batch_messages',
    help: 'Messages written at once',
    buckets: [1, 10, 50, 100, 250, 500, 1000, 2000],
    registers: [this.registry],
  })
  readonly writeSeconds = new Histogram({
    name: 'sluice_processor_write_duration_seconds',
    help: 'Time of one bulk insert',
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.25, 0.5, 1, 5],
    registers: [this.registry],
  })
  readonly endToEndSeconds = new DelayHistogram({
    name: 'sluice_processor_end_to_end_seconds',
    help: 'Time from the event to its document',
    buckets: [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 120, 600],
    registry: this.registry,
  })
  readonly httpSeconds = new Histogram({
    name: 'sluice_processor_http_request_duration_seconds',
    help: 'Time from a request to its answer; of what goes on for ever, to its beginning',
    labelNames: ['route', 'status'] as const,
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1, 2.5, 5],
    registers: [this.registry],
  })
  readonly failures = new Counter({
    name: 'sluice_processor_failures_total',
    help: 'Attempts at another service that did not succeed and were repeated',
    labelNames: ['service'] as const,
    registers: [this.registry],
  })
  readonly rebalances = new Counter({
    name: 'sluice_processor_rebalances_total',
    help: 'Times that partitions were assigned to this processor',
    registers: [this.registry],
  })
  readonly tokens = new Counter({
    name: 'sluice_processor_tokens_total',
    help: 'Tokens of the usage that was stored',
    registers: [this.registry],
  })
  readonly splitGpus = new Counter({
    name: 'sluice_processor_split_gpus_total',
    help: 'GPUs of which usage came from several partitions, where a token seems to cost too much',
    registers: [this.registry],
  })
  readonly rollupSeconds = new Histogram({
    name: 'sluice_processor_rollup_duration_seconds',
    help: 'Time to sum up anew the roll-ups of one hour, as far as they were behind',
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60],
    registers: [this.registry],
  })
  readonly rollupPending = new Gauge({
    name: 'sluice_processor_rollup_pending_buckets',
    help: 'Stretches of ten seconds that are not in the roll-ups yet, of all processors',
    registers: [this.registry],
  })
  readonly rollupFailures = new Counter({
    name: 'sluice_processor_rollup_failures_total',
    help: 'Attempts at roll-ups that did not succeed and were repeated',
    registers: [this.registry],
  })
  readonly ready = new Gauge({
    name: 'sluice_processor_ready',
    help: '1 while /ready says yes',
    registers: [this.registry],
  })

  constructor() {
    collectDefaultMetrics({ register: this.registry })
    // Gauges that are named like counters, against the conventions; the same numbers are there by type.
    for (const what of ['handles', 'requests', 'resources']) {
      this.registry.removeSingleMetric(`nodejs_active_${what}_total`)
    }
  }
}
