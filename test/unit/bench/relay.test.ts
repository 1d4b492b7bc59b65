import { once } from 'node:events'
import { connect, createServer, type Server } from 'node:net'
import { text } from 'node:stream/consumers'
import test, { type ExecutionContext } from 'ava'
import { openRelay } from '../../../bench/converge/relay.ts'

/** A server that sends back what it gets, and ends when its client does. */
async function echo(t: ExecutionContext): Promise<number> {
  const server: Server = createServer((socket) => socket.pipe(socket))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  const address = server.address()
  if (address === null || typeof address === 'string') throw new TypeError('it listens on a port')
  return address.port
}

test('a relay passes on everything in order, and the end', async (t) => {
  const relay = await openRelay('127.0.0.1', await echo(t), 10)
  t.teardown(() => relay.close())
  const client = connect(relay.port, '127.0.0.1')
  const sent = Array.from({ length: 2000 }, (_, index) => `line ${index}\n`)
  for (const line of sent) client.write(line)
  client.end()

  t.is(await text(client), sent.join(''))
})

test('a connection takes one round trip, each question and answer another', async (t) => {
  const roundTripMs = 80
  const relay = await openRelay('127.0.0.1', await echo(t), roundTripMs)
  t.teardown(() => relay.close())
  const client = connect(relay.port, '127.0.0.1')
  t.teardown(() => client.destroy())
  const ask = async () => {
    const started = performance.now()
    client.write('question')
    await once(client, 'data')
    return performance.now() - started
  }
  const first = await ask()
  // A busy machine can make any of them take longer: it is asked until one takes as long as it has to.
  const others = [await ask()]
  while (others.length < 100 && Math.min(...others) >= 2 * roundTripMs) others.push(await ask())

  t.true(first >= 2 * roundTripMs - 2, `${first} ms`)
  const least = Math.min(...others)
  t.true(least >= roundTripMs - 2 && least < 2 * roundTripMs, `${others} ms`)
})

test('a relay to where nothing listens closes the connection', async (t) => {
  const relay = await openRelay('127.0.0.1', 1, 10)
  t.teardown(() => relay.close())
  const client = connect(relay.port, '127.0.0.1')

  await t.notThrowsAsync(once(client.resume(), 'close'))
})
