import { BsonWriter, keyOf } from './bson-writer.ts'
import type { GpuDocument, Source, UsageDocument } from './documents.ts'
import type { Kind } from './usage/rollup-kinds.ts'

const key = {
  id: keyOf('_id'),
  ts: keyOf('ts'),
  host: keyOf('host'),
  gpuIndex: keyOf('gpu_index'),
  name: keyOf('name'),
  utilization: keyOf('utilization'),
  memUsedMb: keyOf('mem_used_mb'),
  memTotalMb: keyOf('mem_total_mb'),
  powerW: keyOf('power_w'),
  pricePerHourUsd: keyOf('price_per_hour_usd'),
  model: keyOf('model'),
  promptTokens: keyOf('prompt_tokens'),
  completionTokens: keyOf('completion_tokens'),
  latencyMs: keyOf('latency_ms'),
  tokens: keyOf('tokens'),
  tps: keyOf('tps'),
  costPerToken: keyOf('cost_per_token'),
  run: keyOf('run'),
  source: keyOf('source'),
  topic: keyOf('topic'),
  partition: keyOf('partition'),
  offset: keyOf('offset'),
} as const

/** Writers whose batch is stored: the next batch needs no new memory. */
const spareWriters: BsonWriter[] = []
const sparesKept = 8

/** Documents on their way to one collection, held as the bytes that the database takes. */
export class DocumentBatch {
  readonly kind: Kind
  /** The time of each document, in milliseconds since 1970. */
  readonly times: number[] = []
  /** The tokens of each document, of usage only. */
  readonly tokens: number[] = []
  #writer: BsonWriter | undefined = spareWriters.pop() ?? new BsonWriter()

  constructor(kind: Kind) {
    this.kind = kind
  }

  get length(): number {
    return this.times.length
  }

  /** All documents, one after the other. */
  get bytes(): Uint8Array {
    return this.#open.bytes
  }

  addSample(document: GpuDocument): void {
    const writer = this.#open
    const time = document.ts.getTime()
    const start = writer.begin()
    writer.text(key.id, document._id)
    writer.date(key.ts, time)
    writer.text(key.host, document.host)
    writer.number(key.gpuIndex, document.gpu_index)
    writer.text(key.name, document.name)
    writer.number(key.utilization, document.utilization)
    writer.number(key.memUsedMb, document.mem_used_mb)
    writer.number(key.memTotalMb, document.mem_total_mb)
    writer.number(key.powerW, document.power_w)
    writer.number(key.pricePerHourUsd, document.price_per_hour_usd)
    writeSource(writer, document.source)
    if (document.run !== undefined) writer.text(key.run, document.run)
    writer.end(start)
    this.times.push(time)
  }

  addUsage(document: UsageDocument): void {
    const writer = this.#open
    const time = document.ts.getTime()
    const start = writer.begin()
    writer.text(key.id, document._id)
    writer.date(key.ts, time)
    writer.text(key.model, document.model)
    writer.number(key.promptTokens, document.prompt_tokens)
    writer.number(key.completionTokens, document.completion_tokens)
    writer.number(key.latencyMs, document.latency_ms)
    writer.number(key.gpuIndex, document.gpu_index)
    writer.number(key.tokens, document.tokens)
    writer.number(key.tps, document.tps)
    if (document.cost_per_token === null) writer.null(key.costPerToken)
    else writer.number(key.costPerToken, document.cost_per_token)
    writer.number(key.pricePerHourUsd, document.price_per_hour_usd)
    writeSource(writer, document.source)
    if (document.host !== undefined) writer.text(key.host, document.host)
    if (document.run !== undefined) writer.text(key.run, document.run)
    writer.end(start)
    this.times.push(time)
    this.tokens.push(document.tokens)
  }

  /** To be called when the documents are stored or given up: their bytes are then gone. */
  release(): void {
    const writer = this.#writer
    this.#writer = undefined
    if (writer === undefined || spareWriters.length === sparesKept) return
    writer.clear()
    spareWriters.push(writer)
  }

  get #open(): BsonWriter {
    if (this.#writer === undefined) throw new TypeError('the batch was released')
    return this.#writer
  }
}

function writeSource(writer: BsonWriter, { topic, partition, offset }: Source): void {
  const start = writer.beginField(key.source)
  writer.text(key.topic, topic)
  writer.number(key.partition, partition)
  writer.number(key.offset, offset)
  writer.end(start)
}
