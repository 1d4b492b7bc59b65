import { access, constants } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { clientFor } from './http-client.ts'

/** What a source takes and does not have on this machine, so that it cannot be used. */
export interface UnmetPrerequisite {
  /** `mvn is not installed` */
  reason: string
  advice: string
}

const connectTimeoutMs = 3_000

/** The first program of these that this machine lacks. */
export async function missingProgram(
  programs: readonly string[],
  advice: string,
): Promise<UnmetPrerequisite | undefined> {
  for (const program of programs) {
    if (!(await isInstalled(program))) return { reason: `${program} is not installed`, advice }
  }
  return undefined
}

async function isInstalled(program: string): Promise<boolean> {
  const folders = (process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== '')
  const found = folders.map((folder) =>
    access(join(folder, program), constants.X_OK).then(
      () => true,
      () => false,
    ),
  )
  return (await Promise.all(found)).includes(true)
}

/**
 * Why no connection to an address comes about, on the way that a download takes: directly, or by the user's proxy, which
 * says of https whether it lets us through and of http only that it is there. Nothing is asked of who answers.
 */
export function missingConnection(url: URL): Promise<UnmetPrerequisite | undefined> {
  const { client, agent } = clientFor(url)
  // It is never ended, so nothing of it is sent.
  const request = client.request(url, { agent, timeout: connectTimeoutMs })
  return new Promise((resolve) => {
    const end = (reason: string | undefined) => {
      request.destroy()
      agent.destroy()
      resolve(
        reason === undefined
          ? undefined
          : { reason: `cannot be reached: ${reason}`, advice: 'name a mirror: --artifact-mirror' },
      )
    }
    request.on('timeout', () => end(`no answer within ${connectTimeoutMs / 1000} s`))
    request.on('error', (error: NodeJS.ErrnoException) => end(shortReason(error)))
    request.on('socket', (socket) => {
      if (socket.connecting) socket.once('connect', () => end(undefined))
      else end(undefined)
    })
  })
}

/** `ECONNREFUSED` says enough; what Node's own codes mean is in their messages. */
const shortReason = ({ code, message }: NodeJS.ErrnoException): string =>
  code === undefined || code.startsWith('ERR_') ? message : code
