/** A token event as it lies in its topic. */
export interface LoggedToken {
  id: string
  gpu: string
  time: number
  tokens: number
  price: number
}

export interface Cost {
  tps: number
  cost_per_token: number | null
}

/**
 * Rate and cost of every event by its id, from the log of one partition alone and straight from the formula of the
 * requirements: the tokens of the 30 s up to the event's own time that were logged before it or are it, by the seconds
 * from the oldest of them. An event whose id came before is the same event.
 */
export function costsOf(log: readonly LoggedToken[]): Map<string, Cost> {
  const costs = new Map<string, Cost>()
  const seen = new Set<string>()
  const firsts = log.filter(({ id }) => !seen.has(id) && seen.add(id))
  for (const ofGpu of Map.groupBy(firsts, ({ gpu }) => gpu).values()) {
    ofGpu.forEach((event, place) => {
      let tokens = 0
      let oldest = event.time
      for (let index = place; index >= 0; index--) {
        const other = ofGpu[index]
        if (other === undefined || other.time > event.time || other.time < event.time - 30_000) continue
        tokens += other.tokens
        oldest = Math.min(oldest, other.time)
      }
      const tps = tokens / Math.max(1, (event.time - oldest) / 1000)
      costs.set(event.id, { tps, cost_per_token: tps === 0 ? null : event.price / (tps * 3600) })
    })
  }
  return costs
}
