import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'

export interface Relay {
  port: number
  close(): void
}

/**
 * A port on this machine that leads to another machine's as if that were `roundTripMs` further away: what is sent takes
 * half of it each way, and setting up a connection takes a round trip, as TCP's own greeting does.
 */
export async function openRelay(address: string, port: number, roundTripMs: number): Promise<Relay> {
  const sockets = new Set<Socket>()
  const oneWayMs = roundTripMs / 2
  const keep = (socket: Socket) => {
    sockets.add(socket)
    socket.setNoDelay(true)
    socket.on('close', () => sockets.delete(socket))
  }
  const server = createServer({ allowHalfOpen: true }, (near) => {
    keep(near)
    const early: Buffer[] = []
    const collect = (chunk: Buffer) => early.push(chunk)
    near.on('data', collect)
    // The near side takes itself for connected at once: the host hears of it after SYN, SYN-ACK and ACK.
    setTimeout(() => {
      if (near.destroyed) return
      const far = connect({ host: address, port, allowHalfOpen: true })
      keep(far)
      near.off('data', collect)
      for (const chunk of early) far.write(chunk)
      if (near.readableEnded) far.end()
      pass(near, far, oneWayMs)
      pass(far, near, oneWayMs)
    }, roundTripMs + oneWayMs)
    near.on('error', () => near.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const listening = server.address()
  if (listening === null || typeof listening === 'string') throw new TypeError('a relay listens on a port')
  return {
    port: listening.port,
    close() {
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}

/** Timers of one length end in the order in which they were set, so the order of what is sent is kept. */
function pass(from: Socket, to: Socket, oneWayMs: number): void {
  const later = (act: () => void) => setTimeout(() => to.destroyed || act(), oneWayMs)
  from.on('data', (chunk) => later(() => to.write(chunk)))
  from.on('end', () => later(() => to.end()))
  from.on('error', () => later(() => to.destroy()))
  from.on('close', () => later(() => to.destroy()))
}
