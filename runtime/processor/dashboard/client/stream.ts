import type { Hello, History, LiveState, Range } from '../wire.ts'

/** Without a word for this long, the connection is taken for lost: the processor ticks every second. */
const silentMs = 6000
const againMs = 1500

export interface Listener {
  onHello: (hello: Hello) => void
  onTick: (state: LiveState) => void
  onHistory: (history: History) => void
  /** The database does not answer. */
  onAway: () => void
  onLost: () => void
}

/** Listens to the processor, and goes on when it comes back, however it went away. */
export class Stream {
  readonly #listener: Listener
  #source: EventSource | undefined
  #range: Range
  #heardAt = 0

  constructor(range: Range, listener: Listener) {
    this.#range = range
    this.#listener = listener
    this.#open()
    setInterval(() => this.#watch(), againMs)
  }

  listenTo(range: Range): void {
    this.#range = range
    this.#open()
  }

  #open(): void {
    this.#source?.close()
    this.#heardAt = Date.now()
    const source = new EventSource(`/api/live?range=${this.#range}`)
    this.#source = source
    const on = <Content>(name: string, hear: (content: Content) => void) =>
      source.addEventListener(name, (event) => {
        this.#heardAt = Date.now()
        hear(JSON.parse(event.data))
      })
    on('hello', this.#listener.onHello)
    on('tick', this.#listener.onTick)
    on('history', this.#listener.onHistory)
    on('away', this.#listener.onAway)
    source.addEventListener('error', () => this.#listener.onLost())
  }

  /** An event source gives up for good after an answer that is not one, and never sees that a host is gone. */
  #watch(): void {
    const silent = Date.now() - this.#heardAt > silentMs
    if (silent) this.#listener.onLost()
    if (silent || this.#source?.readyState === EventSource.CLOSED) this.#open()
  }
}
