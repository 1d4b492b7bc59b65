import { setTimeout as sleep } from 'node:timers/promises'
import type { Db } from 'mongodb'
import type { UsageDocument } from '../../runtime/processor/documents.ts'
import { reportUsage, type UsageReport } from '../../runtime/processor/usage/usage-report.ts'
import { addUp } from '../support/usage-documents.ts'

const hourMs = 3_600_000

/** What the sums are said to be, and what the documents add up to. */
export interface Sums {
  complete: boolean
  have: Record<string, ReturnType<typeof addUp>>
  want: Record<string, ReturnType<typeof addUp>>
  samples: { have: number; want: number }
}

/** Compares what `/api/usage` answers by GPU with the documents, once nothing is behind any more. */
export async function sumsAndDocuments(database: Db): Promise<Sums> {
  const documents = await database.collection<UsageDocument>('token_usage').find().toArray()
  const times = documents.map(({ ts }) => ts.getTime())
  const range = {
    from: Math.floor(Math.min(...times) / hourMs) * hourMs,
    to: Math.ceil((Math.max(...times) + 1) / hourMs) * hourMs,
  }
  let report: UsageReport | undefined
  // What a killed processor marked counts as behind for a minute or two, though it is summed up.
  for (let tries = 0; tries < 200 && report?.complete !== true; tries++) {
    if (tries > 0) await sleep(1000)
    report = await reportUsage(database, { ...range, by: 'gpu', limit: 1000, after: undefined })
  }
  const rows = (report?.rows ?? []).flatMap((row) => {
    const { events, tokens, cost_usd } = row
    return 'gpu_index' in row ? [[nameOf(row), { events, tokens, cost_usd }]] : []
  })
  const groups = [...Map.groupBy(documents, nameOf)].map(([name, some]) => [name, addUp(some)])
  const [sampled] = await database
    .collection('gpu_rollups')
    .aggregate<{ count: number }>([
      { $match: { width: 'hour' } },
      { $group: { _id: null, count: { $sum: '$count' } } },
    ])
    .toArray()
  return {
    complete: report?.complete ?? false,
    have: Object.fromEntries(rows),
    want: Object.fromEntries(groups),
    samples: { have: sampled?.count ?? 0, want: await database.collection('gpu_metrics').countDocuments() },
  }
}

const nameOf = ({ host, gpu_index }: { host?: string | null | undefined; gpu_index: number }): string =>
  `${host} ${gpu_index}`
