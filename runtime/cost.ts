/** How far back the rate of tokens looks. An event exactly this much older still counts. */
export const windowMs = 30_000

/**
 * Tokens a second over a window.
 *
 * @param tokens sum of the tokens of all events in the window
 * @param spanMs from the oldest of them to the newest
 */
export function tokensPerSecond(tokens: number, spanMs: number): number {
  return tokens / Math.max(1, spanMs / 1000)
}

/** What one token costs in USD at a price and a rate; `null` where no tokens were made, so that none has a cost. */
export function costPerToken(pricePerHour: number, tps: number): number | null {
  return tps === 0 ? null : pricePerHour / (tps * 3600)
}
