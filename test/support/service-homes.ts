import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { acquireArtifact } from '../../engine/artifacts/acquire.ts'
import type { Artifact } from '../../engine/artifacts/artifact.ts'
import { artifactCacheDirectory } from '../../engine/artifacts/cache.ts'
import { kafkaArtifact } from '../../roles/artifacts/kafka.ts'
import { mongodbArtifact } from '../../roles/artifacts/mongodb.ts'
import { zookeeperArtifact } from '../../roles/artifacts/zookeeper.ts'

export interface ServiceHomes {
  kafkaHome: string
  zookeeperHome: string
  mongodbHome: string
}

/** The very files that hosts get, unpacked once beside the artifact cache, for services that tests start themselves. */
export async function serviceHomes(): Promise<ServiceHomes> {
  const architecture = process.arch === 'arm64' ? 'arm64' : 'amd64'
  const [kafkaHome, zookeeperHome, mongodbHome] = await Promise.all(
    [kafkaArtifact(), zookeeperArtifact(), mongodbArtifact({ architecture })].map(unpacked),
  )
  if (kafkaHome === undefined || zookeeperHome === undefined || mongodbHome === undefined) {
    throw new TypeError('each artifact has a home')
  }
  return { kafkaHome, zookeeperHome, mongodbHome }
}

async function unpacked(artifact: Artifact): Promise<string> {
  const cacheDirectory = artifactCacheDirectory()
  const { path, version, digest } = await acquireArtifact(artifact, { cacheDirectory })
  const home = join(dirname(cacheDirectory), 'unpacked', `${artifact.name}-${version}-${digest.slice(0, 12)}`)
  if (existsSync(home)) return home
  await mkdir(dirname(home), { recursive: true })
  const partial = await mkdtemp(`${home}.`)
  await promisify(execFile)('tar', ['--extract', '--gzip', '--file', path, '--directory', partial])
  // Another test file may have been quicker: then its copy is as good.
  await rename(partial, home).catch(async (error) => {
    if (!existsSync(home)) throw error
    await rm(partial, { recursive: true })
  })
  return home
}
