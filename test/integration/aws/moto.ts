import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { pythonProgram } from '../../support/python-venv.ts'

/** A version with a known behaviour; flask is what its server is made with. */
const packages = ['moto==5.2.5', 'flask', 'flask-cors']
/** It imports much: seconds on a machine with nothing else to do. */
const startMs = 300_000

/** An EC2 API server on loopback. */
export interface Moto {
  url: string
  stop(): Promise<void>
}

/** Starts moto, which is installed first where it is not there yet. */
export async function startMoto(): Promise<Moto> {
  const program = await pythonProgram(packages, 'moto_server')
  const child = spawn(program, ['-H', '127.0.0.1', '-p', '0'], { stdio: ['ignore', 'ignore', 'pipe'] })
  const ended = once(child, 'exit')
  const tooLate = setTimeout(() => child.kill('SIGKILL'), startMs)
  const url = await whereItListens(child.stderr).finally(() => clearTimeout(tooLate))
  // It says a line for each request.
  child.stderr.resume()
  return {
    url,
    async stop() {
      child.kill('SIGKILL')
      await ended
    },
  }
}

/** What it says once it listens: the port is of the system's choice, so it is nobody else who answers there. */
async function whereItListens(stderr: Readable): Promise<string> {
  const said: string[] = []
  for await (const line of createInterface({ input: stderr })) {
    said.push(line)
    const [, url] = /Running on (http:\/\/\S+:\d+)/.exec(line) ?? []
    if (url !== undefined) return url
  }
  throw new Error(`moto ended, or did not listen within ${startMs / 1000} s: ${said.join('\n')}`)
}
