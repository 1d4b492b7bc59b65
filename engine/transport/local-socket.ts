import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Connection } from './connection.ts'

/**
 * Runs `use` with the path of a Unix socket that leads, through the host's connection, to a TCP port that the host
 * can reach. Nobody but this account can open the socket; it is gone when `use` has ended.
 * When the host refuses, the signal that `use` is given is raised.
 */
export async function withLocalSocket<Result>(
  connection: Connection,
  { address, port }: { address: string; port: number },
  use: (path: string, refused: AbortSignal) => Promise<Result>,
): Promise<Result> {
  const directory = await mkdtemp(join(tmpdir(), 'sluice-'))
  const path = join(directory, 'service.sock')
  const sockets = new Set<Socket>()
  // Who uses the socket would only see it closed, and try again for a while; the host has said why at once.
  const refused = Promise.withResolvers<never>()
  const giveUp = new AbortController()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    // An error here reaches whoever uses the socket as the end of it.
    socket.on('error', () => socket.destroy())
    connection.forward(address, port).then(
      (stream) => {
        stream.on('error', () => socket.destroy())
        stream.on('close', () => socket.destroy())
        socket.on('close', () => stream.destroy())
        socket.pipe(stream).pipe(socket)
      },
      (reason: unknown) => {
        refused.reject(reason)
        giveUp.abort()
        socket.destroy()
      },
    )
  })
  try {
    await new Promise<void>((resolve, reject) => {
      server.on('error', reject)
      server.listen(path, resolve)
    })
    return await Promise.race([use(path, giveUp.signal), refused.promise])
  } finally {
    for (const socket of sockets) socket.destroy()
    server.close()
    await rm(directory, { recursive: true, force: true })
  }
}
