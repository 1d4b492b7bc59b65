import { PassThrough } from 'node:stream'
import { asRoot } from './become.ts'
import type { Connection, Execution } from './transport/connection.ts'

/** A root shell on a host, which takes one script after another. */
export class RootShell {
  /** Its exit code; rejects with CONNECTION_LOST when the connection ends first. */
  readonly ended: Promise<number | undefined>
  /** Its own number, and what a kill has to name to end all that runs in it, once they are known. */
  ids: { process: string; group: string } | undefined
  readonly #input = new PassThrough()
  #listener: Pick<Execution, 'onStdout' | 'onStderr'> | undefined

  constructor(connection: Connection) {
    const { command, preface } = asRoot(connection, 'exec sh -s')
    this.#input.write(preface)
    this.ended = connection.execute(command, {
      input: this.#input,
      onStdout: (text) => this.#listener?.onStdout(text),
      onStderr: (text) => this.#listener?.onStderr(text),
    })
    this.ended.catch(() => {})
  }

  /** Runs a script, of which nothing runs when not all of it arrives. The `last` one ends the shell. */
  send(
    script: string,
    { last, ...listener }: Pick<Execution, 'onStdout' | 'onStderr'> & { last: boolean },
  ): void {
    this.#listener = listener
    this.#input.write(`{\n${script}\n}\n`)
    if (last) this.#input.end()
  }
}
