import { spawn } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from '../../support/free-port.ts'
import { pythonProgram } from '../../support/python-venv.ts'

/** A version with a known behaviour; flask is what its server is made with. */
const packages = ['moto==5.2.5', 'flask', 'flask-cors']

/** An EC2 API server on loopback. */
export interface Moto {
  url: string
  stop(): Promise<void>
}

/** Starts moto, which is installed first where it is not there yet. */
export async function startMoto(): Promise<Moto> {
  const program = await pythonProgram(packages, 'moto_server')
  const port = await freePort()
  const child = spawn(program, ['-H', '127.0.0.1', '-p', String(port)], {
    stdio: 'ignore',
  })
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  const url = `http://127.0.0.1:${port}`
  for (let waits = 0; !(await answers(url)); waits++) {
    if (waits > 300 || child.exitCode !== null) throw new Error(`moto does not answer at ${url}`)
    await sleep(100)
  }
  return {
    url,
    async stop() {
      child.kill('SIGKILL')
      await ended
    },
  }
}

async function answers(url: string): Promise<boolean> {
  try {
    return (await fetch(`${url}/moto-api/`)).ok
  } catch (error) {
    if (error instanceof TypeError) return false
    throw error
  }
}
