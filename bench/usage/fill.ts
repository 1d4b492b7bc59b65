import { pino } from 'pino'
import { DocumentBatch } from '../../runtime/processor/document-batch.ts'
import { ProcessorMetrics } from '../../runtime/processor/metrics.ts'
import { Store } from '../../runtime/processor/store.ts'
import { RollupKeeper } from '../../runtime/processor/usage/rollup-keeper.ts'
import { usageOfMonth } from './month.ts'

/** What was stored, added up on its way in. */
export interface Filled {
  events: number
  tokens: number
  /** In binary fractions: it is right to some ten digits. */
  cost: number
  insertSeconds: number
  rollupSeconds: number
}

const batchSize = 2000
const writers = 3

/** Stores the month as the processor stores what it reads, and has the processor's own keeper sum it up. */
export async function fillMonth(
  uri: string,
  options: { documents: number; seed: number },
  { progress, signal }: { progress: (message: string) => void; signal: AbortSignal },
): Promise<Filled> {
  const metrics = new ProcessorMetrics()
  const store = new Store(uri, metrics)
  const keeper = new RollupKeeper(store.side, store.marks, { metrics, log: pino({ level: 'silent' }) })
  try {
    await store.ping()
    await store.makeIndexes()
    await keeper.prepare()
    const filled: Filled = { events: 0, tokens: 0, cost: 0, insertSeconds: 0, rollupSeconds: 0 }
    const documents = usageOfMonth(options)
    const began = performance.now()
    let told = 0
    const write = async () => {
      for (let batch = nextBatch(documents, filled); batch.length > 0; batch = nextBatch(documents, filled)) {
        signal.throwIfAborted()
        await store.insert(batch)
        batch.release()
        if (filled.events < told + 1_000_000) continue
        told = filled.events
        progress(`${told} documents`)
      }
    }
    await Promise.all(Array.from({ length: writers }, write))
    const stored = performance.now()
    filled.insertSeconds = (stored - began) / 1000
    progress('summing them up')
    const failed = await keeper.catchUp(signal)
    signal.throwIfAborted()
    if (failed > 0) throw new Error(`${failed} roll-ups could not be made`)
    filled.rollupSeconds = (performance.now() - stored) / 1000
    return filled
  } finally {
    await store.close()
  }
}

function nextBatch(documents: ReturnType<typeof usageOfMonth>, filled: Filled): DocumentBatch {
  const batch = new DocumentBatch('usage')
  while (batch.length < batchSize) {
    const { done, value } = documents.next()
    if (done === true) break
    batch.addUsage(value)
    filled.events += 1
    filled.tokens += value.tokens
    filled.cost += value.tokens * (value.cost_per_token ?? 0)
  }
  return batch
}
