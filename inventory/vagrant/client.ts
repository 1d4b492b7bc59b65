import { join } from 'node:path'
import { hostKeyFile, publicHostKey } from '../host-key.ts'
import { type Manner, type Program, runProgram } from '../program.ts'
import { type Line, parseLine, readable, told } from './machine-readable.ts'
import type { Machine } from './settings.ts'
import { type Entry, parseSshConfig } from './ssh-config.ts'
import { parseStatus } from './status.ts'

const vagrantProgram: Program = {
  name: 'vagrant',
  install:
    'install Vagrant and a provider: apt-get install vagrant vagrant-libvirt (Debian, Ubuntu), or Vagrant and VirtualBox from their makers; or use another inventory: sluice inventory list',
  look: 'do what it says and run again; in .sluice/vagrant, vagrant status and vagrant validate say more',
  readable,
}

const readSeconds = 300

/** Called with what Vagrant says while it works. */
type Told = (message: string) => void

function tell(line: Line, onTold: Told): void {
  const text = told(line)
  if (text !== undefined) onTold(text)
}

/** The program `vagrant` in the project's own folder for it. What changes something is not cut short. */
export class Vagrant {
  readonly #folder: string
  readonly #signal: AbortSignal | undefined
  #status: Promise<Map<string, string>> | undefined

  constructor(folder: string, signal?: AbortSignal) {
    this.#folder = folder
    this.#signal = signal
  }

  /** The states of all machines, asked once for all that want to know them at the same time: Vagrant locks a machine. */
  status(): Promise<Map<string, string>> {
    this.#status ??= this.#read(['status', '--machine-readable'])
      .then(parseStatus)
      .finally(() => {
        this.#status = undefined
      })
    return this.#status
  }

  /** Makes and starts these machines, and names each as soon as it is as it should be. */
  async up(
    names: readonly string[],
    provider: Machine['provider'],
    { onTold, onFinished }: { onTold: Told; onFinished(name: string): void },
  ): Promise<void> {
    await this.#change(['up', '--provider', provider, ...names], (line) => {
      const { machine, kind, values } = line
      if (kind === 'action' && values.join(' ') === 'up end') onFinished(machine)
      tell(line, onTold)
    })
  }

  /** Removes these machines, disks and all. */
  async destroy(names: readonly string[], onTold: Told): Promise<void> {
    await this.#change(['destroy', '--force', ...names], (line) => tell(line, onTold))
  }

  /** How these machines, which run, are logged in to. */
  async sshConfig(names: readonly string[]): Promise<Map<string, Entry>> {
    return parseSshConfig(await this.#read(['ssh-config', ...names]))
  }

  /** The public host key, asked on Vagrant's own way into the machine. */
  async hostKey(name: string): Promise<string> {
    const words = ['ssh', name, '-c', `cat ${hostKeyFile}`]
    return publicHostKey(await this.#read(words), `vagrant ${words.join(' ')}`)
  }

  async #change(words: readonly string[], onLine: (line: Line) => void): Promise<void> {
    await this.#run([...words, '--machine-readable'], {
      endsWithUs: true,
      onLine: (text) => {
        const line = parseLine(text)
        if (line !== undefined) onLine(line)
      },
    })
  }

  #read(words: readonly string[]): Promise<string> {
    return this.#run(words, { signal: this.#signal, seconds: readSeconds })
  }

  /** Whatever the user has set to have Vagrant look elsewhere, these machines are in this folder. */
  #run(words: readonly string[], manner: Manner = {}): Promise<string> {
    const environment = {
      VAGRANT_CWD: this.#folder,
      VAGRANT_VAGRANTFILE: 'Vagrantfile',
      VAGRANT_DOTFILE_PATH: join(this.#folder, '.vagrant'),
      VAGRANT_CHECKPOINT_DISABLE: '1',
      VAGRANT_NO_COLOR: '1',
    }
    return runProgram(vagrantProgram, words, { directory: this.#folder, environment, ...manner })
  }
}
