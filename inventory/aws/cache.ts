import { createHash } from 'node:crypto'
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as v from 'valibot'
import { Observation } from './observation.ts'
import type { AwsSettings } from './settings.ts'

const Kept = v.strictObject({ askedAt: v.number(), observation: Observation })

/** What AWS said a moment ago, kept in the project. */
export class ObservationCache {
  readonly #folder: string
  readonly #file: string
  readonly #keptMs: number

  /** Other settings, credentials or endpoints have another file. */
  constructor(
    projectDirectory: string,
    { cacheSeconds, ...settings }: AwsSettings,
    environment: Record<string, string | undefined> = process.env,
  ) {
    const ofAws = Object.entries(environment).filter(([name]) => name.startsWith('AWS_'))
    const key = JSON.stringify([settings, ofAws.sort()])
    this.#folder = join(projectDirectory, '.sluice', 'aws')
    this.#file = join(this.#folder, `${createHash('sha256').update(key).digest('hex').slice(0, 16)}.json`)
    this.#keptMs = cacheSeconds * 1000
  }

  /** `undefined` when there is nothing, or it is too old, or another version of Sluice wrote it. */
  async read(): Promise<Observation | undefined> {
    if (this.#keptMs === 0) return undefined
    const kept = v.safeParse(Kept, parsed(await contentOf(this.#file)))
    if (!kept.success) return undefined
    const ageMs = Date.now() - kept.output.askedAt
    return ageMs >= 0 && ageMs < this.#keptMs ? kept.output.observation : undefined
  }

  async write(observation: Observation): Promise<void> {
    await mkdir(this.#folder, { recursive: true })
    const staged = `${this.#file}.${process.pid}`
    await writeFile(staged, JSON.stringify({ askedAt: Date.now(), observation }), { mode: 0o600 })
    await rename(staged, this.#file)
  }
}

async function contentOf(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

function parsed(text: string | undefined): unknown {
  try {
    return text === undefined ? undefined : JSON.parse(text)
  } catch (error) {
    // A file that is not whole is as good as none.
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}
