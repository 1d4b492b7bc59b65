import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as v from 'valibot'
import { reasonOf, SluiceError } from '../../engine/errors.ts'
import { parseWith } from '../../engine/schemas.ts'
import { removeIfEmpty } from '../lab/directories.ts'
import { Make } from './settings.ts'

/** What is kept of an instance that `sluice up` made: by this it is known as ours. */
const Kept = v.strictObject({
  instance: v.string(),
  make: Make,
  /** As `type base64`; empty until it was asked. */
  hostKeys: v.array(v.string()),
})
export type Kept = v.InferOutput<typeof Kept>

/** The project's records of its instances, by the name of the host, and the key that logs in on them. */
export class Records {
  readonly folder: string
  readonly identityFile: string

  constructor(projectDirectory: string) {
    this.folder = join(projectDirectory, '.sluice', 'multipass')
    this.identityFile = join(this.folder, 'id_ed25519')
  }

  async all(): Promise<Map<string, Kept>> {
    if (!existsSync(this.folder)) return new Map()
    const names = (await readdir(this.folder))
      .filter((file) => file.endsWith('.json'))
      .map((file) => file.slice(0, -'.json'.length))
    const found = await Promise.all(names.sort().map(async (name) => [name, await this.of(name)] as const))
    return new Map(found.flatMap(([name, kept]) => (kept === undefined ? [] : [[name, kept] as const])))
  }

  /** @throws SluiceError INVENTORY_INVALID when the record is not whole */
  async of(host: string): Promise<Kept | undefined> {
    const file = this.#file(host)
    if (!existsSync(file)) return undefined
    const advice = `restore the file; without it the instance is nobody's: multipass list shows it, multipass delete --purge removes it`
    let content: unknown
    try {
      content = JSON.parse(await readFile(file, 'utf8'))
    } catch (error) {
      const why = reasonOf(error)
      throw new SluiceError('INVENTORY_INVALID', {
        subject: 'the record of an instance is not JSON',
        at: file,
        why,
        advice,
        cause: error,
      })
    }
    return parseWith(Kept, content, { code: 'INVENTORY_INVALID', place: file, advice })
  }

  /** Writes a record so that a reader sees either the former or the new one, never a part. */
  async keep(host: string, kept: Kept): Promise<void> {
    const file = this.#file(host)
    await mkdir(this.folder, { recursive: true, mode: 0o700 })
    await writeFile(`${file}.new`, `${JSON.stringify(kept, undefined, 2)}\n`, { mode: 0o600 })
    await rename(`${file}.new`, file)
  }

  async forget(host: string): Promise<void> {
    await rm(this.#file(host), { force: true })
  }

  /** Removes the key too: for when no instance is left that lets it in. */
  async forgetKey(): Promise<void> {
    for (const file of [this.identityFile, `${this.identityFile}.pub`]) await rm(file, { force: true })
    await removeIfEmpty(this.folder)
  }

  #file(host: string): string {
    return join(this.folder, `${host}.json`)
  }
}
