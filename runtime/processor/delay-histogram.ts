import type { Metric, MetricObjectWithValues, MetricValueWithName, Registry } from 'prom-client'

/**
 * A histogram of how long ago things were, in seconds. The one of prom-client takes one value at a time, which costs
 * about as much as to validate an event.
 */
export class DelayHistogram {
  readonly name: string
  readonly help: string
  readonly #bounds: readonly number[]
  /** How many lie in each bucket, without those before it; the last is of what lies beyond all bounds. */
  #counts: number[]
  #sum = 0

  constructor({
    name,
    help,
    buckets,
    registry,
  }: { name: string; help: string; buckets: number[]; registry: Registry }) {
    this.name = name
    this.help = help
    this.#bounds = buckets
    this.#counts = Array(buckets.length + 1).fill(0)
    // All that a registry asks of a metric is here; its type lists the classes of prom-client.
    registry.registerMetric(this as unknown as Metric)
  }

  /** @param times in milliseconds since 1970; what is yet to come counts as just now */
  observeSince(times: readonly number[], now: number = Date.now()): void {
    const bounds = this.#bounds
    const counts = this.#counts
    for (const time of times) {
      const seconds = Math.max(0, now - time) / 1000
      let place = 0
      while (seconds > (bounds[place] ?? Number.POSITIVE_INFINITY)) place += 1
      counts[place] = (counts[place] ?? 0) + 1
      this.#sum += seconds
    }
  }

  async get(): Promise<
    Omit<MetricObjectWithValues<MetricValueWithName<'le'>>, 'collect' | 'type'> & { type: 'histogram' }
  > {
    const { name, help } = this
    let count = 0
    const values = this.#counts.map((counted, place): MetricValueWithName<'le'> => {
      count += counted
      return { metricName: `${name}_bucket`, labels: { le: this.#bounds[place] ?? '+Inf' }, value: count }
    })
    return {
      ...{ name, help, type: 'histogram', aggregator: 'sum' },
      values: [
        ...values,
        { metricName: `${name}_sum`, labels: {}, value: this.#sum },
        { metricName: `${name}_count`, labels: {}, value: count },
      ],
    }
  }

  reset(): void {
    this.#counts = this.#counts.map(() => 0)
    this.#sum = 0
  }
}
