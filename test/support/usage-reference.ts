/** What an independent recomputation needs of an event: where it lies in its partition, and what it says. */
export interface LoggedUsage {
  id: string
  gpu: string
  time: number
  tokens: number
  price: number
}

export interface ExpectedCost {
  tps: number
  cost_per_token: number | null
}

/**
 * The rate and cost of every event of one partition, in the order of its log, straight from the formula of the
 * requirements and with nothing of the runtime in it. An event whose id came before is the same event.
 */
export function recompute(log: LoggedUsage[]): ExpectedCost[] {
  return log.map((event, place) => {
    const seen = new Set<string>()
    const window = log.slice(0, place + 1).filter(({ id, gpu, time }) => {
      if (seen.has(id)) return false
      seen.add(id)
      return gpu === event.gpu && time >= event.time - 30_000 && time <= event.time
    })
    const tokens = window.reduce((sum, each) => sum + each.tokens, 0)
    const oldest = Math.min(...window.map(({ time }) => time))
    const tps = tokens / Math.max(1, (event.time - oldest) / 1000)
    return { tps, cost_per_token: tps === 0 ? null : event.price / (tps * 3600) }
  })
}
