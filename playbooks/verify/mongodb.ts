import type { Db } from 'mongodb'
import type { Connection } from '../../engine/transport/connection.ts'
import { withLocalSocket } from '../../engine/transport/local-socket.ts'
import { type Answer, CheckFailure, unanswered } from './checklist.ts'

/** A database of one server. */
export interface DatabasePlace {
  address: string
  port: number
  database: string
}

/** What a mongod says of itself. */
export interface ServerState {
  version: string
  /** Whether it takes writes: the primary of a replica set, or a server that stands alone. */
  writable: boolean
  pingMs: number
  /** Names of indexes by collection. */
  indexes: Map<string, string[]>
}

/** Lets `use` work on a database through the connection to its host. */
export async function withDatabase<Result>(
  connection: Connection,
  { address, port, database }: DatabasePlace,
  use: (database: Db) => Promise<Result>,
): Promise<Result> {
  const { MongoClient } = await import('mongodb')
  return withLocalSocket(connection, { address, port }, async (path, refused) => {
    const client = new MongoClient(`mongodb://${encodeURIComponent(path)}`, {
      appName: 'sluice-verify',
      directConnection: true,
      serverSelectionTimeoutMS: 5_000,
      socketTimeoutMS: 20_000,
      maxPoolSize: 4,
    })
    refused.addEventListener('abort', () => void client.close())
    try {
      return await use(client.db(database))
    } catch (error) {
      throw unanswered(`mongod on ${address}:${port} does not answer`, error)
    } finally {
      await client.close()
    }
  })
}

/** Pings a mongod and reads what it has. */
export async function readServer(connection: Connection, place: DatabasePlace): Promise<ServerState> {
  return withDatabase(connection, place, async (database) => {
    // The first call also connects.
    const hello = await database.command({ hello: 1 })
    const startedAt = performance.now()
    await database.command({ ping: 1 })
    const pingMs = performance.now() - startedAt
    const [{ version }, collections] = await Promise.all([
      database.command({ buildInfo: 1 }),
      database.listCollections({}, { nameOnly: true }).toArray(),
    ])
    const indexes = collections.map(async ({ name }) => {
      const found = await database.collection(name).indexes()
      return [name, found.map((index) => index.name ?? '')] as const
    })
    return {
      version: String(version),
      writable: hello.isWritablePrimary === true,
      pingMs,
      indexes: new Map(await Promise.all(indexes)),
    }
  })
}

/** Judges whether the collections have their indexes. */
export function judgeIndexes(
  { indexes }: ServerState,
  expected: Record<string, string[]>,
): Answer<undefined> {
  const missing = Object.entries(expected).flatMap(([collection, names]) =>
    names
      .filter((name) => !indexes.get(collection)?.includes(name))
      .map((name) => `${collection} has no index ${name}`),
  )
  if (missing.length > 0) {
    throw new CheckFailure(missing.join('; '), { advice: 'sluice provision --tags mongodb' })
  }
  const found = Object.entries(expected).map(([collection, names]) => `${collection} ${names.join(', ')}`)
  return { detail: found.join('; '), value: undefined }
}
