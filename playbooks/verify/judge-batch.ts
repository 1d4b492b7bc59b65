import { type Answer, CheckFailure } from './checklist.ts'
import { expectedOf, nearly, type UsageRecord } from './cost.ts'
import { type BatchDocuments, collections, type GpuDocument, gpuOf, toRecord } from './documents.ts'

const shownProblems = 3

/** Judges whether all of a batch has arrived, and nothing of it twice. */
export function judgeArrival(documents: BatchDocuments, size: number): Answer<BatchDocuments> {
  const problems = collections.flatMap((collection) => {
    const found = documents[collection]
    const messages = repeated(found.map(({ source: s }) => `${s.topic}:${s.partition}:${s.offset}`))
    const events = repeated(found.map(eventOf))
    return [
      ...(found.length === size
        ? []
        : [`${collection} has ${found.length} documents of the batch, should have ${size}`]),
      ...(messages.length === 0 ? [] : [`${collection} holds the message ${messages[0]} twice`]),
      ...(events.length === 0 ? [] : [`${collection} holds the event ${events[0]} twice`]),
    ]
  })
  if (problems.length > 0) {
    throw new CheckFailure(problems.join('; '), {
      advice:
        'too few: see whether the processor still catches up, or wrote to pipeline.dlq; too many: see its journal',
    })
  }
  const [samples, usages] = collections.map((collection) => new Set(documents[collection].map(eventOf)))
  const alone = [...(samples?.symmetricDifference(usages ?? new Set()) ?? [])]
  if (alone.length > 0) {
    throw new CheckFailure(
      `the events ${alone.slice(0, shownProblems).join(', ')} are in one collection only`,
    )
  }
  return { detail: `${size} documents in each collection, none twice`, value: documents }
}

/** An iteration of the producer sends a sample and a usage of the same time and GPU. */
const eventOf = (document: GpuDocument): string => `${document.ts.toISOString()} ${gpuOf(document)}`

function repeated(keys: readonly string[]): string[] {
  return keys.filter((key, index) => keys.indexOf(key) !== index)
}

/** Judges tokens, price, rate and cost of each token event of a batch against a recomputation. */
export function judgeCosts(documents: BatchDocuments, stored: readonly UsageRecord[]): Answer<undefined> {
  const prices = new Map(documents.gpu_metrics.map((each) => [eventOf(each), each.price_per_hour_usd]))
  const problems = documents.token_usage.flatMap((document) => {
    // The sample of the same moment is the GPU's latest.
    const price = prices.get(eventOf(document)) ?? document.price_per_hour_usd
    const want = expectedOf(toRecord(document), stored, price)
    const { tokens, tps, cost_per_token } = document
    return [
      ...differs('tokens', tokens, want.tokens),
      ...differs('price_per_hour_usd', document.price_per_hour_usd, price),
      ...differs('tps', tps, want.tps),
      ...differs('cost_per_token', cost_per_token, want.costPerToken),
    ].map((problem) => `${document._id}: ${problem}`)
  })
  if (problems.length > 0) {
    const more = problems.length > shownProblems ? `; and ${problems.length - shownProblems} more` : ''
    throw new CheckFailure(`${problems.slice(0, shownProblems).join('; ')}${more}`, {
      advice:
        'compare with the formula in docs/operating.md, What a token costs; see which release of the processor runs',
    })
  }
  const count = documents.token_usage.length
  return {
    detail: `tokens, tps and cost_per_token of ${count} documents are as recomputed`,
    value: undefined,
  }
}

function differs(field: string, have: number | null, want: number | null): string[] {
  return nearly(have, want) ? [] : [`${field} is ${have}, should be ${want}`]
}
