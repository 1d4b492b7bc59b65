import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from '../../test/support/free-port.ts'
import { serviceHomes } from '../../test/support/service-homes.ts'
import { endedEarly, type Program, startProgram } from '../pipeline/program.ts'

/** A mongod of the bench's own, from the files that hosts get. */
export interface Mongod {
  uri: string
  /** Ends it in order and starts it again: nothing of the data is in its memory then. */
  restart(): Promise<void>
  remove(): Promise<void>
}

export const cacheGb = 0.5

export async function startMongod(): Promise<Mongod> {
  const { mongodbHome } = await serviceHomes()
  const directory = await mkdtemp(join(tmpdir(), 'sluice-bench-usage-'))
  const log = join(directory, 'mongod.log')
  const port = await freePort()
  await mkdir(join(directory, 'db'))
  const command = [
    join(mongodbHome, 'bin', 'mongod'),
    ...['--dbpath', join(directory, 'db'), '--port', String(port), '--bind_ip', '127.0.0.1'],
    ...['--wiredTigerCacheSizeGB', String(cacheGb), '--unixSocketPrefix', directory],
  ]
  const start = async (): Promise<Program> => {
    const program = await startProgram(command, { log })
    let over = false
    void program.ended.then(() => {
      over = true
    })
    while (!(await listens(port))) {
      if (over) throw await endedEarly('mongod', log)
      await sleep(100)
    }
    return program
  }
  let program = await start()
  const end = async () => {
    process.kill(program.pid, 'SIGTERM')
    await program.ended
  }
  return {
    uri: `mongodb://127.0.0.1:${port}/ca0`,
    async restart() {
      await end()
      program = await start()
    },
    async remove() {
      await end()
      await rm(directory, { recursive: true, force: true })
    },
  }
}

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy()
      resolve(true)
    }).once('error', () => resolve(false))
  })
}
