import type { GpuBoard } from '../gpu-board.ts'
import type { ProcessorMetrics } from '../metrics.ts'
import type { Readiness } from '../readiness.ts'
import { type HistoryCache, ranges } from './history.ts'
import type { Recent } from './recent.ts'
import type { Ticker } from './ticker.ts'
import type { Hello, History, LiveState, Range } from './wire.ts'

/** More GPUs than this are only in `/gpu/info`. */
const gpusShown = 200

interface Parts {
  ticker: Ticker
  history: HistoryCache
  readiness: Readiness
  metrics: ProcessorMetrics
  board: GpuBoard
  recent: Recent
  host: string
  /** Changes with the page: one that is open then loads itself anew. */
  version: string
}

/** One open page more than this is told to come again. */
const mostStreams = 100

/** Tells open pages what happens, as server-sent events. */
export class LiveStreams {
  readonly #parts: Parts
  #open = 0

  constructor(parts: Parts) {
    this.#parts = parts
  }

  get full(): boolean {
    return this.#open >= mostStreams
  }

  /** A stream that ends when `signal` says so. A reader that does not keep up misses ticks, and takes no memory. */
  open(range: Range, signal: AbortSignal): ReadableStream<Uint8Array> {
    const { ticker, version } = this.#parts
    const encoder = new TextEncoder()
    let end = () => {}
    return new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          this.#open += 1
          let toldAt = Number.NEGATIVE_INFINITY
          let asking = false
          let ended = false
          const tell = (event: string, content: Hello | LiveState | History | { part: string }) => {
            if (ended) return
            controller.enqueue(encoder.encode(`event: ${event}\ndata: ${JSON.stringify(content)}\n\n`))
          }
          const tellHistory = async () => {
            if (asking || Date.now() - toldAt < ranges[range].freshMs) return
            asking = true
            try {
              tell('history', await this.#parts.history.read(range))
              toldAt = Date.now()
            } catch {
              tell('away', { part: 'mongodb' })
            }
            asking = false
          }
          const endTicks = ticker.onTick(async () => {
            if ((controller.desiredSize ?? 0) <= 0) return
            tell('tick', await this.#state())
            await tellHistory()
          })
          end = () => {
            if (ended) return
            ended = true
            endTicks()
            this.#open -= 1
          }
          signal.addEventListener('abort', () => {
            const open = !ended
            end()
            if (open) controller.close()
          })
          controller.enqueue(encoder.encode('retry: 1000\n\n'))
          tell('hello', { version, ticks: ticker.ticks })
          void tellHistory()
        },
        cancel: () => end(),
      },
      { highWaterMark: 8 },
    )
  }

  async #state(): Promise<LiveState> {
    const { ticker, readiness, metrics, board, recent, host } = this.#parts
    const now = Date.now()
    const tick = ticker.ticks.at(-1) ?? { at: now, events_per_second: 0, tokens_per_second: 0, lag: 0 }
    const [held] = (await metrics.deadLettersHeld.get()).values
    return {
      ...tick,
      host,
      uptime_seconds: Math.round(process.uptime()),
      reasons: readiness.reasons,
      stored: ticker.totals.stored,
      rejected: ticker.totals.rejected,
      dead_letters: held?.value ?? null,
      lag_of_topics: ticker.lagOfTopics,
      letters: recent.letters,
      troubles: recent.troubles,
      gpus: board.all.slice(0, gpusShown).map((sample) => ({
        host: sample.host,
        gpu_index: sample.gpu_index,
        name: sample.name,
        utilization: sample.utilization,
        mem_used_mb: sample.mem_used_mb,
        mem_total_mb: sample.mem_total_mb,
        power_w: sample.power_w,
        price_per_hour_usd: sample.price_per_hour_usd,
        age_seconds: Math.max(0, now - sample.ts.getTime()) / 1000,
      })),
    }
  }
}
