/** The events of one GPU in one stretch of time, in the order of their time; those of one time in the order they came. */
export class Block {
  #times = new Float64Array(8)
  #tokens = new Float64Array(8)
  #identities = new Int32Array(8)
  length = 0
  /** The sum of the tokens of all events. */
  total = 0
  /** The number of the last batch that needed this block. */
  lastUsed = 0

  timeAt(place: number): number {
    return this.#times[place] ?? Number.NaN
  }

  tokensAt(place: number): number {
    return this.#tokens[place] ?? 0
  }

  /** The place of the first event at or after `time`. */
  firstFrom(time: number): number {
    let low = 0
    let high = this.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.timeAt(middle) < time) low = middle + 1
      else high = middle
    }
    return low
  }

  /** The sum of the tokens from one place up to, and without, another. */
  sum(from: number, to: number): number {
    let sum = 0
    for (let place = from; place < to; place += 1) sum += this.tokensAt(place)
    return sum
  }

  /** Adds an event unless the same one is there, and returns the place after all events of its time. */
  insert(time: number, tokens: number, identity: number): number {
    const last = this.length - 1
    const end = last < 0 || this.timeAt(last) <= time ? this.length : this.firstFrom(time + 1)
    for (let place = end - 1; place >= 0 && this.#times[place] === time; place -= 1) {
      if (this.#identities[place] === identity && this.#tokens[place] === tokens) return end
    }
    if (this.length === this.#times.length) this.#grow()
    if (end < this.length) {
      this.#times.copyWithin(end + 1, end, this.length)
      this.#tokens.copyWithin(end + 1, end, this.length)
      this.#identities.copyWithin(end + 1, end, this.length)
    }
    this.#times[end] = time
    this.#tokens[end] = tokens
    this.#identities[end] = identity
    this.length += 1
    this.total += tokens
    return end + 1
  }

  #grow(): void {
    const size = this.#times.length * 2
    const times = new Float64Array(size)
    const tokens = new Float64Array(size)
    const identities = new Int32Array(size)
    times.set(this.#times)
    tokens.set(this.#tokens)
    identities.set(this.#identities)
    this.#times = times
    this.#tokens = tokens
    this.#identities = identities
  }
}
