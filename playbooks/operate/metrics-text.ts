/** What `/metrics` says at one moment: each sample by its name and labels, as they are written. */
export type Samples = ReadonlyMap<string, number>

/** Reads Prometheus' text format. */
export function parseMetrics(text: string): Samples {
  const samples = new Map<string, number>()
  for (const line of text.split('\n')) {
    const match = /^([a-zA-Z_:][a-zA-Z0-9_:]*(?:\{.*\})?) (\S+)/.exec(line)
    if (match === null) continue
    const [, name = '', value = ''] = match
    samples.set(name, value === '+Inf' ? Number.POSITIVE_INFINITY : Number(value))
  }
  return samples
}

/** By how much all samples of a name have grown between two moments. */
export function growth(name: string, before: Samples, after: Samples, label = ''): number {
  let sum = 0
  for (const [sample, value] of after) {
    const [is] = sample.split('{')
    // A sample that was not there was 0; one that is smaller began anew, with its process.
    if (is === name && sample.includes(label)) sum += growthOf(value, before.get(sample) ?? 0)
  }
  return sum
}

const growthOf = (value: number, earlier: number): number => (value >= earlier ? value - earlier : value)

/** The value that a share of what a histogram took between two moments is not above; `undefined` where it took nothing. */
export function quantile(name: string, share: number, before: Samples, after: Samples): number | undefined {
  const buckets = [...after]
    .flatMap(([sample, value]) => {
      const bound = new RegExp(`^${name}_bucket\\{.*le="([^"]+)"`).exec(sample)?.[1]
      if (bound === undefined) return []
      const upTo = bound === '+Inf' ? Number.POSITIVE_INFINITY : Number(bound)
      return [{ upTo, count: growthOf(value, before.get(sample) ?? 0) }]
    })
    .sort((a, b) => a.upTo - b.upTo)
  const all = buckets.at(-1)?.count ?? 0
  if (all === 0) return undefined
  let [below, lower] = [0, 0]
  for (const { upTo, count } of buckets) {
    if (count >= all * share) {
      // Beyond the last bound there is nothing to measure by.
      if (upTo === Number.POSITIVE_INFINITY) return lower
      return lower + ((upTo - lower) * (all * share - below)) / (count - below)
    }
    below = count
    lower = upTo
  }
  return lower
}
