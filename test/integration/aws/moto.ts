import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { $ } from 'zx'

/** A version with a known behaviour; flask is what its server is made with. */
const packages = ['moto==5.2.5', 'flask', 'flask-cors']

/** Where virtual environments of the tests are kept between runs. */
const venvs = process.env.SLUICE_TEST_VENVS ?? join(homedir(), '.cache', 'sluice', 'test-venvs')

/** An EC2 API server on loopback. */
export interface Moto {
  url: string
  stop(): Promise<void>
}

/** Starts moto, which is installed first where it is not there yet. */
export async function startMoto(): Promise<Moto> {
  const venv = await installed()
  const port = await freePort()
  const child = spawn(join(venv, 'bin', 'moto_server'), ['-H', '127.0.0.1', '-p', String(port)], {
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

async function installed(): Promise<string> {
  const venv = join(venvs, packages[0]?.replace('==', '-') ?? 'moto')
  if (existsSync(join(venv, 'bin', 'moto_server'))) return venv
  mkdirSync(venvs, { recursive: true })
  rmSync(venv, { recursive: true, force: true })
  const run = $({ quiet: true })
  await run`python3 -m venv ${venv}`
  await run`${join(venv, 'bin', 'pip')} install --quiet --disable-pip-version-check ${packages}`
  return venv
}

async function answers(url: string): Promise<boolean> {
  try {
    return (await fetch(`${url}/moto-api/`)).ok
  } catch (error) {
    if (error instanceof TypeError) return false
    throw error
  }
}

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0))
    })
  })
}
