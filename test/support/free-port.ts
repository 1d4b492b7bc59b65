import { createServer } from 'node:net'

/** Below those ports that Linux gives to outgoing connections (32768 and up): one of them could have it by the time. */
const lowest = 20_000
const portCount = 12_768

/** Processes that run at once have numbers that are near to one another: so they begin far from one another. */
let turn = process.pid * 61

/**
 * A port of loopback that nothing listens on. It takes a while until a server does, or does again: meanwhile nobody else
 * in this process is given the same.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = lowest + (turn++ % portCount)
    if (await isFree(port)) return port
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}
