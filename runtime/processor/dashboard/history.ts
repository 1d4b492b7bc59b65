import type { Db, Decimal128, Document } from 'mongodb'
import { rollupIndex, rollupKinds } from '../usage/rollup-kinds.ts'
import { floorTo, type Width, widthMs } from '../usage/widths.ts'
import type { History, Line, Range, Share } from './wire.ts'

/** How far back the charts can look: from which roll-ups, with how much time between two points. */
export const ranges = {
  '15m': { lengthMs: 900_000, width: '10s', stepMs: 10_000, freshMs: 4000 },
  '1h': { lengthMs: 3_600_000, width: 'minute', stepMs: 60_000, freshMs: 10_000 },
  '6h': { lengthMs: 21_600_000, width: 'minute', stepMs: 60_000, freshMs: 30_000 },
  '24h': { lengthMs: 86_400_000, width: 'minute', stepMs: 300_000, freshMs: 60_000 },
  '7d': { lengthMs: 604_800_000, width: 'hour', stepMs: 3_600_000, freshMs: 60_000 },
  '30d': { lengthMs: 2_592_000_000, width: 'hour', stepMs: 3_600_000, freshMs: 60_000 },
} as const satisfies Record<Range, { lengthMs: number; width: Width; stepMs: number; freshMs: number }>
/** More GPUs than this, and the charts show how they are spread instead of each one. */
const gpusDrawn = 6
const modelsDrawn = 6

/** With fewer milliseconds than this in the last bucket its rate says nothing. */
const leastOfBucketMs = 10_000

interface Sums {
  count: number
  tokens: number
  cost_usd: Decimal128
}

/** Reads what the charts and tables of a range show. */
async function readHistory(db: Db, range: Range, now: number): Promise<History> {
  const { lengthMs, width, stepMs } = ranges[range]
  const from = Math.floor((now - lengthMs) / stepMs) * stepMs
  const to = floorTo(width, now) + widthMs[width]
  const match = { $match: { width, at: { $gte: new Date(from), $lt: new Date(to) } } }
  const bin = { $subtract: [{ $toLong: '$at' }, { $mod: [{ $toLong: '$at' }, stepMs] }] }
  const sums = { count: { $sum: '$count' }, tokens: { $sum: '$tokens' }, cost_usd: { $sum: '$cost_usd' } }
  const ask = <Found extends Document>(name: string, group: Document) =>
    db
      .collection(name)
      .aggregate<Found>([match, { $group: group }], { hint: rollupIndex, maxTimeMS: 5000 })
      .toArray()
  const [overTime, byGpu, samples] = await Promise.all([
    ask<Sums & { _id: { at: number; model: string } }>(rollupKinds.usage.rollups, {
      _id: { at: bin, model: '$model' },
      ...sums,
    }),
    ask<Sums & { _id: { host: string | null; gpu_index: number } }>(rollupKinds.usage.rollups, {
      _id: { host: '$host', gpu_index: '$gpu_index' },
      ...sums,
    }),
    ask<SampleSums>(rollupKinds.gpu.rollups, {
      _id: { at: bin, host: '$host', gpu_index: '$gpu_index' },
      ...Object.fromEntries(
        ['count', 'utilization', 'mem_used_mb', 'mem_total_mb'].map((name) => [name, { $sum: `$${name}` }]),
      ),
    }),
  ])
  const bins = binsOf({ from, stepMs, now })
  const models = shares(overTime, ({ model }) => ({ model }))
  const gpus = shares(byGpu, ({ host, gpu_index }) => ({ host, gpu_index }))
  const drawn = models.slice(0, modelsDrawn).map(({ model }) => model)
  const perModel = (amountOf: (sums: Sums) => number): Line[] => {
    const lines = drawn.map((name) =>
      lineOf(
        name,
        overTime.filter(({ _id }) => _id.model === name),
        bins,
        amountOf,
      ),
    )
    const others = overTime.filter(({ _id }) => !drawn.includes(_id.model))
    return others.length === 0 ? lines : [...lines, lineOf('others', others, bins, amountOf)]
  }
  return {
    range,
    from,
    to,
    times: bins.map(({ at }) => at / 1000),
    events: [
      lineOf('token usage', overTime, bins, ({ count }) => count),
      lineOf('GPU samples', samples, bins, ({ count }) => count),
    ],
    tokens: perModel(({ tokens }) => tokens),
    cost: perModel(({ cost_usd }) => Number(cost_usd) * 3600),
    utilization: linesOfGpus(samples, bins, ({ utilization, count }) => (100 * utilization) / count),
    memory: linesOfGpus(samples, bins, ({ mem_used_mb, mem_total_mb }) =>
      mem_total_mb === 0 ? null : (100 * mem_used_mb) / mem_total_mb,
    ),
    total: {
      events: models.reduce((sum, { events }) => sum + events, 0),
      tokens: models.reduce((sum, { tokens }) => sum + tokens, 0),
      cost_usd: models.reduce((sum, { cost_usd }) => sum + cost_usd, 0),
    },
    models,
    gpus,
  }
}

interface Bin {
  at: number
  seconds: number
}

/** The stretches that points are of; the last one is as long as it has lasted. */
function binsOf({ from, stepMs, now }: { from: number; stepMs: number; now: number }): Bin[] {
  const bins: Bin[] = []
  // What was stored just now is not summed up yet: a stretch of seconds is shown when it is over.
  const end = stepMs < widthMs.minute ? now - 5000 - stepMs : now - leastOfBucketMs
  for (let at = from; at <= end; at += stepMs) {
    bins.push({ at, seconds: Math.min(stepMs, now - at) / 1000 })
  }
  return bins
}

function lineOf<Found extends { _id: { at: number } }>(
  name: string,
  found: Found[],
  bins: Bin[],
  amountOf: (sums: Found) => number,
): Line {
  const sums = new Map<number, number>()
  for (const each of found) sums.set(each._id.at, (sums.get(each._id.at) ?? 0) + amountOf(each))
  return { name, values: bins.map(({ at, seconds }) => (sums.get(at) ?? 0) / seconds) }
}

interface SampleSums {
  _id: { at: number; host: string; gpu_index: number }
  count: number
  utilization: number
  mem_used_mb: number
  mem_total_mb: number
}

function linesOfGpus(
  samples: SampleSums[],
  bins: Bin[],
  amountOf: (sums: SampleSums) => number | null,
): Line[] {
  const gpus = Map.groupBy(samples, ({ _id }) => `${_id.host} #${_id.gpu_index}`)
  const lines = [...gpus]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, found]): Line => {
      const values = new Map(found.map((sums) => [sums._id.at, amountOf(sums)]))
      return { name, values: bins.map(({ at }) => values.get(at) ?? null) }
    })
  if (lines.length <= gpusDrawn) return lines
  const spread = (name: string, of: (values: number[]) => number): Line => ({
    name,
    values: bins.map((_, place) => {
      const values = lines.map((line) => line.values[place] ?? null).filter((value) => value !== null)
      return values.length === 0 ? null : of(values)
    }),
  })
  return [
    spread('highest', (values) => Math.max(...values)),
    spread(`mean of ${lines.length} GPUs`, (values) => values.reduce((a, b) => a + b, 0) / values.length),
    spread('lowest', (values) => Math.min(...values)),
  ]
}

/** Sums by what a group is named, the most expensive first. */
function shares<Id, Names extends object>(
  found: (Sums & { _id: Id })[],
  namesOf: (id: Id) => Names,
): (Share & Names)[] {
  const groups = new Map<string, Share & Names>()
  for (const { _id, count, tokens, cost_usd } of found) {
    const names = namesOf(_id)
    const key = JSON.stringify(names)
    const before = groups.get(key) ?? { ...names, events: 0, tokens: 0, cost_usd: 0 }
    before.events += count
    before.tokens += tokens
    before.cost_usd += Number(cost_usd)
    groups.set(key, before)
  }
  return [...groups.values()].sort((a, b) => b.cost_usd - a.cost_usd || b.tokens - a.tokens)
}

/** Reads each range at most as often as it changes, however many look at it. */
export class HistoryCache {
  readonly #db: Db
  readonly #kept = new Map<Range, { at: number; history: Promise<History> }>()

  constructor(db: Db) {
    this.#db = db
  }

  read(range: Range, now: number = Date.now()): Promise<History> {
    const kept = this.#kept.get(range)
    if (kept !== undefined && now - kept.at < ranges[range].freshMs) return kept.history
    const history = readHistory(this.#db, range, now)
    const entry = { at: now, history }
    this.#kept.set(range, entry)
    history.catch(() => {
      if (this.#kept.get(range) === entry) this.#kept.delete(range)
    })
    return history
  }
}
