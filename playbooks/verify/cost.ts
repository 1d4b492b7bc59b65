/** A stored token event, as much of it as a window needs. */
export interface UsageRecord {
  id: string
  /** Where its message lies: events of other partitions are not in its window. */
  partition: string
  offset: number
  /** Host and index of the GPU. */
  gpu: string
  time: number
  prompt: number
  completion: number
}

/** What the requirements' formula makes of an event. */
export interface Expected {
  tokens: number
  tps: number
  /** `null` where the window holds no tokens. */
  costPerToken: number | null
}

const windowMs = 30_000

/**
 * Tokens, rate and cost of an event, straight from the formula of the requirements and with nothing of the runtime
 * in it: tokens over the trailing 30 s of the same GPU ÷ max(1 s, span), then price per hour ÷ (rate · 3600).
 *
 * @param stored all events that may lie in its window, itself among them
 */
export function expectedOf(
  event: UsageRecord,
  stored: readonly UsageRecord[],
  pricePerHour: number,
): Expected {
  const window = stored.filter(
    ({ partition, offset, gpu, time }) =>
      partition === event.partition &&
      gpu === event.gpu &&
      offset <= event.offset &&
      time <= event.time &&
      time >= event.time - windowMs,
  )
  const sum = window.reduce((total, { prompt, completion }) => total + prompt + completion, 0)
  const oldest = window.reduce((least, { time }) => Math.min(least, time), event.time)
  const tps = sum / Math.max(1, (event.time - oldest) / 1000)
  return {
    tokens: event.prompt + event.completion,
    tps,
    costPerToken: tps === 0 ? null : pricePerHour / (tps * 3600),
  }
}

/** Whether two numbers are the same but for what floating point makes of another order of adding. */
export function nearly(have: number | null, want: number | null): boolean {
  if (have === null || want === null) return have === want
  return Math.abs(have - want) <= 1e-9 * Math.max(Math.abs(have), Math.abs(want))
}
