import { readFileSync, statSync } from 'node:fs'
import * as v from 'valibot'
import { AbsolutePath, unrepeated } from './schemas.ts'
import { Secret } from './secret.ts'

const EnvironmentName = v.pipe(
  v.string(),
  v.regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'should be the name of an environment variable'),
)

const Place = v.union([
  v.strictObject({ fromEnvironment: EnvironmentName }),
  v.strictObject({ fromFile: AbsolutePath }),
])

/**
 * A parameter that is a secret. A variable says where it is, never what it is, so that no inventory, command line or
 * `inventory show` has it: `{ fromEnvironment: NAME }`, or `{ fromFile: /path }` of a file that only its owner reads.
 */
export const SecretVariable = v.pipe(
  v.unknown(),
  v.rawTransform(({ dataset, addIssue, NEVER }): Secret => {
    const place = v.safeParse(Place, dataset.value)
    const read = place.success
      ? 'fromFile' in place.output
        ? readPrivateFile(place.output.fromFile)
        : readEnvironment(place.output.fromEnvironment)
      : 'should say where the secret is: { fromEnvironment: NAME } or { fromFile: /path }'
    if (read instanceof Secret) return read
    // What was written may be the secret itself.
    addIssue({ message: read, received: unrepeated })
    return NEVER
  }),
)

function readEnvironment(name: string): Secret | string {
  const value = process.env[name]
  return value === undefined || value === ''
    ? `should be in the environment as ${name}, which is not set`
    : new Secret(value)
}

/** One line end at the end of the file is the editor's, not the secret's. */
function readPrivateFile(path: string): Secret | string {
  try {
    if ((statSync(path).mode & 0o077) !== 0)
      return `should be in a file that only its owner reads (chmod 600 ${path})`
    return new Secret(readFileSync(path, 'utf8').replace(/\r?\n$/, ''))
  } catch (error) {
    return `should be in ${path}, which cannot be read (${(error as NodeJS.ErrnoException).code})`
  }
}
