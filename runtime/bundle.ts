import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { build, type Plugin } from 'esbuild'
import { readAssets } from './processor/dashboard/read-assets.ts'

const programs = ['processor', 'producer'] as const
export type Program = (typeof programs)[number]

const here = fileURLToPath(new URL('.', import.meta.url))

/** What the MongoDB driver uses where it is installed, and does well without. */
const optionalPackages = [
  '@aws-sdk/credential-providers',
  '@mongodb-js/zstd',
  'aws4',
  'gcp-metadata',
  'kerberos',
  'mongodb-client-encryption',
  'snappy',
  'socks',
]

/** Puts the files of the dashboard into the bundle, in place of what reads them. */
const dashboardInside: Plugin = {
  name: 'dashboard',
  setup: ({ onLoad }) => {
    onLoad({ filter: /[/\\]dashboard[/\\]assets\.ts$/ }, () => ({
      contents: `export const assets = ${JSON.stringify(readAssets())}`,
      loader: 'js',
    }))
  },
}

/**
 * Writes a program as one file that plain Node runs with nothing beside it, and returns the file's path. The same
 * sources always give the same bytes.
 */
export async function bundleRuntime(program: Program, outputDirectory: string): Promise<string> {
  await mkdir(outputDirectory, { recursive: true })
  const file = join(outputDirectory, `${program}.cjs`)
  await build({
    entryPoints: [join(here, program, 'main.ts')],
    outfile: file,
    // Paths in the output are relative to this folder: the same wherever the project lies.
    absWorkingDir: join(here, '..'),
    bundle: true,
    platform: 'node',
    target: 'node24',
    // kafkajs, mongodb and pino are CommonJS and require what Node has by name, which an ES module cannot.
    format: 'cjs',
    external: optionalPackages,
    plugins: [dashboardInside],
    legalComments: 'external',
    logLevel: 'warning',
  })
  return file
}

const [, started, outputDirectory = join(here, '..', 'dist')] = process.argv
if (started !== undefined && import.meta.url === pathToFileURL(started).href) {
  for (const program of programs) {
    process.stdout.write(`${await bundleRuntime(program, outputDirectory)}\n`)
  }
}
