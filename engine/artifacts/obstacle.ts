import { access, constants } from 'node:fs/promises'
import { connect } from 'node:net'
import { delimiter, join } from 'node:path'

/** What keeps a source from being used on this machine. */
export interface Obstacle {
  /** `mvn is not installed` */
  reason: string
  advice: string
}

const connectTimeoutMs = 3_000

/** The first program of these that this machine lacks. */
export async function lackedProgram(
  programs: readonly string[],
  advice: string,
): Promise<Obstacle | undefined> {
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

/** Whether nobody answers at an address; nothing is asked of who does. */
export function unreachable(url: URL): Promise<Obstacle | undefined> {
  const port = Number(url.port || (url.protocol === 'http:' ? 80 : 443))
  return new Promise((resolve) => {
    const socket = connect({ host: url.hostname, port, timeout: connectTimeoutMs })
    const end = (reason: string | undefined) => {
      socket.destroy()
      resolve(
        reason === undefined
          ? undefined
          : {
              reason: `cannot be reached: ${reason}`,
              advice: 'name a mirror: --artifact-mirror',
            },
      )
    }
    socket.on('connect', () => end(undefined))
    socket.on('timeout', () => end(`no answer within ${connectTimeoutMs / 1000} s`))
    socket.on('error', (error: NodeJS.ErrnoException) => end(error.code ?? error.message))
  })
}
