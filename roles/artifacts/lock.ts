/**
 * Writes kafka.lock and zookeeper.lock anew: `node roles/artifacts/lock.ts`, after the coordinates were changed.
 * Read the difference before it is committed: these checksums are what the hosts are held to.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileDigest, filesBelow } from '../../engine/artifacts/checksum.ts'
import { formatManifest } from '../../engine/artifacts/manifest.ts'
import { resolveMavenJars } from '../../engine/artifacts/maven-jars.ts'
import { kafkaDependencies } from './kafka.ts'
import { lockPath } from './lock-file.ts'
import { zookeeperDependencies } from './zookeeper.ts'

const locks = { 'kafka.lock': kafkaDependencies, 'zookeeper.lock': zookeeperDependencies }

for (const [name, dependencies] of Object.entries(locks)) {
  const scratch = await mkdtemp(join(tmpdir(), 'sluice-lock-'))
  try {
    const directory = join(scratch, 'content')
    await resolveMavenJars(dependencies, directory, { scratch, signal: undefined })
    const manifest = new Map<string, string>()
    for (const path of await filesBelow(directory))
      manifest.set(path, await fileDigest(join(directory, path)))
    await writeFile(
      lockPath(name),
      `# Made by: node roles/artifacts/lock.ts\n${dependencies.map(({ coordinate }) => `# ${coordinate}\n`).join('')}${formatManifest(manifest)}`,
    )
    process.stdout.write(`${name}: ${manifest.size} jars\n`)
  } finally {
    await rm(scratch, { recursive: true, force: true })
  }
}
