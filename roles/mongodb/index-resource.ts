import type { Db } from 'mongodb'
import * as v from 'valibot'
import { type ControllerAccess, compare, defineResource } from '../../engine/resource.ts'
import { withLocalSocket } from '../../engine/transport/local-socket.ts'

const Spec = v.strictObject({
  database: v.pipe(v.string(), v.description('the database')),
  collection: v.pipe(v.string(), v.description('the collection, which is made with its first index')),
  keys: v.pipe(v.record(v.string(), v.picklist([1, -1])), v.description('fields and directions, in order')),
  address: v.pipe(v.string(), v.description('a server')),
  port: v.number(),
})
type Spec = v.InferOutput<typeof Spec>

/** `ts_1`, `host_1_gpu_index_1`: the name that MongoDB gives an index. */
const indexName = (keys: Spec['keys']) => Object.entries(keys).flat().join('_')

/** An index of a MongoDB collection, read and made by the driver through the host's own connection. */
export const mongoIndex = defineResource<typeof Spec, { keys: string }>({
  kind: 'index',
  spec: Spec,
  id: ({ database, collection, keys }) => `${database}.${collection} ${indexName(keys)}`,
  reads: ({ database, collection }) => [
    'unit:mongod.service',
    'ready:mongod.service',
    `collection:${database}.${collection}`,
  ],
  touches: () => [],

  probe: (spec) => ({
    async read(access) {
      const names = (await indexesOf(spec, access)).get(spec.collection) ?? []
      return names.includes(indexName(spec.keys)) ? { keys: indexName(spec.keys) } : undefined
    },
  }),

  diff: ({ keys }, have) => compare({ keys: indexName(keys) }, have),

  apply: (spec) => [
    {
      kind: 'controller',
      summary: `create index ${indexName(spec.keys)} on ${spec.collection}`,
      act: (access) =>
        withDatabase(spec, access, async (database) => {
          await database.collection(spec.collection).createIndex(spec.keys)
        }),
    },
  ],
})

const shared = new WeakMap<ControllerAccess['connection'], Promise<Map<string, string[]>>>()

/** The names of all indexes by collection: resources that ask at the same time share one answer. */
function indexesOf(spec: Spec, access: ControllerAccess): Promise<Map<string, string[]>> {
  const pending = shared.get(access.connection)
  if (pending !== undefined) return pending
  const asked = withDatabase(spec, access, async (database) => {
    const collections = await database.listCollections({}, { nameOnly: true }).toArray()
    return new Map(
      await Promise.all(
        collections.map(async ({ name }) => {
          const indexes = await database.collection(name).indexes()
          return [name, indexes.map((index) => index.name ?? '')] as const
        }),
      ),
    )
  }).finally(() => shared.delete(access.connection))
  shared.set(access.connection, asked)
  return asked
}

async function withDatabase<Result>(
  { address, port, database }: Spec,
  { connection }: ControllerAccess,
  use: (database: Db) => Promise<Result>,
): Promise<Result> {
  const { MongoClient } = await import('mongodb')
  return withLocalSocket(connection, { address, port }, async (path, refused) => {
    const client = new MongoClient(`mongodb://${encodeURIComponent(path)}`, {
      directConnection: true,
      serverSelectionTimeoutMS: 5_000,
      maxPoolSize: 2,
    })
    refused.addEventListener('abort', () => void client.close())
    try {
      return await use(client.db(database))
    } finally {
      await client.close()
    }
  })
}
