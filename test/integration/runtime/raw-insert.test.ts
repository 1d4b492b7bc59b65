import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import test from 'ava'
import { BSON, MongoClient } from 'mongodb'
import { insertRaw } from '../../../runtime/processor/raw-insert.ts'
import { type Ground, prepareGround } from '../../support/pipeline.ts'

let ground: Ground

test.before(async () => {
  ground = await prepareGround()
})

test.after.always(async () => {
  await ground?.remove()
})

/** A way to mongod that can stop to take anything in. */
async function standstill(port: number) {
  const sockets: Socket[] = []
  const server = createServer((client) => {
    const mongod = connect(port, '127.0.0.1')
    sockets.push(client, mongod)
    for (const socket of [client, mongod]) socket.on('error', () => {})
    client.pipe(mongod).pipe(client)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    begin() {
      for (const socket of sockets) socket.unpipe().pause()
    },
    end() {
      for (const socket of sockets) socket.destroy()
      server.close()
    },
  }
}

test('an insert of which mongod takes nothing in ends, and is stored when it is repeated', async (t) => {
  const { mongodbUri } = ground.services
  const way = await standstill(Number(new URL(mongodbUri).port))
  t.teardown(() => way.end())
  const client = await MongoClient.connect(mongodbUri.replace(/:\d+\//, `:${way.port}/`), {
    socketTimeoutMS: 1000,
  })
  t.teardown(() => client.close())
  const documents = Array.from({ length: 2000 }, (_, _id) => ({ _id, text: 'x'.repeat(5000) }))
  const bytes = Buffer.concat(documents.map((document) => BSON.serialize(document)))
  const name = `standstill${Date.now()}`
  await client.db().command({ ping: 1 })
  way.begin()

  const ended = insertRaw(client.db(), name, bytes, { withinMs: 3000 }).then(
    () => 'stored',
    () => 'failed',
  )
  t.is(await Promise.race([ended, sleep(20_000, 'still waiting')]), 'failed')

  const direct = await MongoClient.connect(mongodbUri)
  t.teardown(() => direct.close())
  t.deepEqual(await insertRaw(direct.db(), name, bytes), [])
  t.is(await direct.db().collection(name).countDocuments(), 2000)
})
