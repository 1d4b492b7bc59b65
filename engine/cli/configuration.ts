import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import * as v from 'valibot'
import { reasonOf, SluiceError } from '../errors.ts'
import { parseWith } from '../schemas.ts'

const fileName = 'sluice.config.json'

/** What a project may set once instead of on every command line. */
const Configuration = v.strictObject({
  inventory: v.optional(v.pipe(v.string(), v.nonEmpty('should not be empty'))),
  forks: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(1000))),
  /** A URL, or a directory relative to this file. */
  artifactMirror: v.optional(v.pipe(v.string(), v.nonEmpty('should not be empty'))),
  /** Relative to this file. */
  varsFiles: v.optional(v.array(v.pipe(v.string(), v.nonEmpty('should not be empty'))), []),
  /** Read and checked by the aws inventory. */
  aws: v.optional(v.unknown()),
  /** Read and checked by the ssh-config inventory. */
  sshConfig: v.optional(v.unknown()),
  /** Read and checked by the multipass inventory. */
  multipass: v.optional(v.unknown()),
  /** Read and checked by the vagrant inventory. */
  vagrant: v.optional(v.unknown()),
})
export type Configuration = v.InferOutput<typeof Configuration>

/** The folder whose project is meant: the nearest above `start` with a configuration or a package.json, else `start`. */
export function findProject(start: string): string {
  for (let folder = start; ; folder = dirname(folder)) {
    if ([fileName, 'package.json'].some((name) => existsSync(join(folder, name)))) return folder
    if (folder === dirname(folder)) return start
  }
}

/**
 * Reads the project's `sluice.config.json`; its paths come out absolute.
 *
 * @throws SluiceError USAGE with the file and the place in it
 */
export function readConfiguration(projectDirectory: string): Configuration {
  const path = join(projectDirectory, fileName)
  if (!existsSync(path)) return { varsFiles: [] }
  const advice = `correct ${fileName}: it may have inventory, forks, artifactMirror, varsFiles, aws, sshConfig, multipass and vagrant`
  let content: unknown
  try {
    content = JSON.parse(readFileSync(path, 'utf8'))
  } catch (error) {
    throw new SluiceError('USAGE', {
      subject: `${fileName} is not JSON`,
      at: path,
      why: reasonOf(error),
      advice,
      cause: error,
    })
  }
  const { varsFiles, artifactMirror, ...rest } = parseWith(Configuration, content, {
    code: 'USAGE',
    place: path,
    advice,
  })
  return {
    ...rest,
    varsFiles: varsFiles.map((file) => resolve(projectDirectory, file)),
    ...(artifactMirror !== undefined && {
      artifactMirror: isUrl(artifactMirror) ? artifactMirror : resolve(projectDirectory, artifactMirror),
    }),
  }
}

/** Whether this is a URL rather than a path. */
export function isUrl(text: string): boolean {
  return /^[a-z][a-z0-9+.-]*:\/\//i.test(text)
}
