import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { sourceDigest } from './runtime.ts'

/** For `npm pack`: puts beside the bundled programs, in the folder that is named, what they were made of. */
const [, , folder = ''] = process.argv
for (const program of ['processor', 'producer'])
  writeFileSync(join(folder, `${program}.cjs.digest`), `${sourceDigest(program)}\n`)
