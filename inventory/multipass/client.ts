import { hostKeyFile, publicHostKey } from '../host-key.ts'
import { type Program, runProgram } from '../program.ts'
import { type Instance, parseListing } from './listing.ts'
import type { Make } from './settings.ts'

const multipass: Program = {
  name: 'multipass',
  install:
    'install Multipass: snap install multipass (Linux), brew install --cask multipass (macOS); or use another inventory: sluice inventory list',
  look: 'do what it says and run again; multipass version says whether its service answers',
}

/** How long what only reads may take. */
const readSeconds = 120

/** The program `multipass`. What changes something is not cut short: its service would go on with it unseen. */
export class Multipass {
  readonly #signal: AbortSignal | undefined
  #listing: Promise<Instance[]> | undefined

  constructor(signal?: AbortSignal) {
    this.#signal = signal
  }

  /** Every instance of this user's machine, asked once for all that want to know it at the same time. */
  list(): Promise<Instance[]> {
    this.#listing ??= this.#read(['list', '--format', 'json'])
      .then(parseListing)
      .finally(() => {
        this.#listing = undefined
      })
    return this.#listing
  }

  /** Makes an instance; it runs, and cloud-init has ended, when this does. */
  async launch(name: string, { image, cpus, memory, disk }: Make, userData: string): Promise<void> {
    // The short options are the same in every release; --memory was --mem before 1.11.
    const size = ['-c', String(cpus), '-m', memory, '-d', disk]
    // A snap cannot read every folder, but always its standard input.
    await runProgram(multipass, ['launch', '-n', name, ...size, '--cloud-init', '-', image], {
      input: userData,
      directory: '/',
    })
  }

  async start(name: string): Promise<void> {
    await runProgram(multipass, ['start', name], { directory: '/' })
  }

  /** Removes an instance for good, and no other: `multipass purge` would take all that are deleted. */
  async purge(name: string): Promise<void> {
    await runProgram(multipass, ['delete', '--purge', name], { directory: '/' })
  }

  /** The public host key, asked on Multipass's own way into the instance. */
  async hostKey(name: string): Promise<string> {
    const words = ['exec', name, '--', 'cat', hostKeyFile]
    return publicHostKey(await this.#read(words), `multipass ${words.join(' ')}`)
  }

  #read(words: readonly string[]): Promise<string> {
    return runProgram(multipass, words, { directory: '/', signal: this.#signal, seconds: readSeconds })
  }
}
