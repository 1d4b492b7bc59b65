import { existsSync, writeFileSync } from 'node:fs'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as v from 'valibot'
import { SluiceError } from '../../engine/errors.ts'
import { parseWith } from '../../engine/schemas.ts'
import { Vagrant } from './client.ts'
import { Machines } from './settings.ts'
import { unfinished } from './status.ts'
import { machinesFile, vagrantfile } from './vagrantfile.ts'

/** Keys as `type base64`, by machine. */
const HostKeys = v.record(v.string(), v.array(v.string()))
type HostKeys = v.InferOutput<typeof HostKeys>

const Names = v.array(v.string())

const restore = 'restore the file, or remove the machines by hand in that folder: vagrant destroy'

/** The project's folder of Vagrant: a Vagrantfile of ours, what it reads, and what Vagrant keeps of its machines. */
export class Workplace {
  readonly folder: string
  readonly vagrant: Vagrant

  constructor(projectDirectory: string, signal?: AbortSignal) {
    this.folder = join(projectDirectory, '.sluice', 'vagrant')
    this.vagrant = new Vagrant(this.folder, signal)
  }

  /** Whether `sluice up` was here. */
  get isThere(): boolean {
    return existsSync(join(this.folder, 'Vagrantfile'))
  }

  /** The states of the machines by name; those that were never made have none. */
  async states(): Promise<Map<string, string>> {
    if (!this.isThere) return new Map()
    const [states, begun] = await Promise.all([this.vagrant.status(), this.begun()])
    const made = [...states].filter(([, state]) => state !== 'not_created')
    return new Map(made.map(([name, state]) => [name, begun.includes(name) ? unfinished : state]))
  }

  /** The machines whose making began and, as far as is known, did not end. */
  async begun(): Promise<string[]> {
    return (await this.#parsed('begun.json', Names)) ?? []
  }

  /** At once, so that it is on record however this program ends. */
  keepBegun(names: readonly string[]): void {
    writeFileSync(join(this.folder, 'begun.json'), `${JSON.stringify(names)}\n`, { mode: 0o600 })
  }

  /** The two files, as texts. */
  async files(): Promise<{ vagrantfile: string; machines: string } | undefined> {
    const machines = await this.#text('machines.json')
    const ours = await this.#text('Vagrantfile')
    return machines === undefined || ours === undefined ? undefined : { vagrantfile: ours, machines }
  }

  /** The machines that the Vagrantfile knows. @throws SluiceError INVENTORY_INVALID when somebody changed the file */
  async machines(): Promise<Machines> {
    return (await this.#parsed('machines.json', Machines)) ?? {}
  }

  async write(machines: Machines): Promise<void> {
    await mkdir(this.folder, { recursive: true, mode: 0o700 })
    await writeFile(join(this.folder, 'machines.json'), machinesFile(machines), { mode: 0o600 })
    await writeFile(join(this.folder, 'Vagrantfile'), vagrantfile, { mode: 0o600 })
  }

  async hostKeys(): Promise<HostKeys> {
    return (await this.#parsed('host-keys.json', HostKeys)) ?? {}
  }

  async keepHostKeys(keys: HostKeys): Promise<void> {
    const text = `${JSON.stringify(keys, undefined, 2)}\n`
    await writeFile(join(this.folder, 'host-keys.json'), text, { mode: 0o600 })
  }

  /** For when no machine is left. */
  async remove(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true })
  }

  async #parsed<const Schema extends v.GenericSchema>(
    name: string,
    schema: Schema,
  ): Promise<v.InferOutput<Schema> | undefined> {
    const text = await this.#text(name)
    if (text === undefined) return undefined
    const place = join(this.folder, name)
    try {
      return parseWith(schema, JSON.parse(text), {
        code: 'INVENTORY_INVALID',
        place,
        advice: restore,
      })
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error
      throw new SluiceError('INVENTORY_INVALID', {
        subject: `${name} is not JSON`,
        at: place,
        why: error.message,
        advice: restore,
        cause: error,
      })
    }
  }

  async #text(name: string): Promise<string | undefined> {
    const file = join(this.folder, name)
    return existsSync(file) ? readFile(file, 'utf8') : undefined
  }
}
