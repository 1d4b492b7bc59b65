import { arch } from 'node:process'
import type { Artifact } from '../engine/artifacts/artifact.ts'
import { kafkaArtifact } from '../roles/artifacts/kafka.ts'
import { mongodbArtifact } from '../roles/artifacts/mongodb.ts'
import { nodeArtifact } from '../roles/artifacts/node.ts'
import { zookeeperArtifact } from '../roles/artifacts/zookeeper.ts'

/** What every pipeline's hosts run and the controller gets for them, as hosts like this machine would have it. */
export function software(): Artifact[] {
  const architecture = arch === 'arm64' ? 'arm64' : 'amd64'
  return [kafkaArtifact(), zookeeperArtifact(), mongodbArtifact({ architecture }), nodeArtifact(architecture)]
}
