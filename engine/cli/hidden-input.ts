import { createInterface } from 'node:readline'
import type { Screen } from '../report/terminal.ts'
import { Secret } from '../secret.ts'

/** Where somebody may be asked. */
export interface Terminal {
  stdin: NodeJS.ReadStream
  stderr: Screen
}

/**
 * Asks for a secret in the terminal, without showing what is typed.
 *
 * @returns `undefined` where there is no terminal, and when nothing was typed
 */
export async function askSecretly(
  { stdin, stderr }: Terminal,
  question: string,
): Promise<Secret | undefined> {
  if (!stdin.isTTY) return undefined
  // Before the question: who answers at once, such as a program, is not to see the answer either.
  stdin.setRawMode(true)
  try {
    stderr.write(`${question}: `)
    const typed = await typedLine(stdin)
    return typed === '' ? undefined : new Secret(typed)
  } finally {
    stdin.setRawMode(false)
    stdin.pause()
    stderr.write('\n')
  }
}

/** The first line of standard input, for who gives a secret by a pipe. */
export async function firstLine(stdin: NodeJS.ReadStream): Promise<Secret | undefined> {
  const lines = createInterface({ input: stdin })
  for await (const line of lines) {
    lines.close()
    return new Secret(line)
  }
  return undefined
}

const keys = { enter: ['\r', '\n', '\u0004'], erase: ['\u007f', '\b'], eraseAll: '\u0015', stop: '\u0003' }

/** What is typed up to Enter, with the keys that correct a line. */
async function typedLine(stdin: NodeJS.ReadStream): Promise<string> {
  let typed: string[] = []
  const { promise, resolve } = Promise.withResolvers<string>()
  const onData = (text: string) => {
    for (const key of text) {
      if (keys.enter.includes(key)) return resolve(typed.join(''))
      if (key === keys.stop) {
        // In raw mode Ctrl-C is a key like others; it means here what it means everywhere.
        process.kill(process.pid, 'SIGINT')
        return resolve('')
      }
      if (keys.erase.includes(key)) typed.pop()
      else if (key === keys.eraseAll) typed = []
      else typed.push(key)
    }
  }
  stdin.setEncoding('utf8').on('data', onData)
  stdin.resume()
  try {
    return await promise
  } finally {
    stdin.off('data', onData)
  }
}
