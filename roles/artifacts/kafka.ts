import type { Artifact } from '../../engine/artifacts/artifact.ts'
import { type MavenDependency, mavenJars } from '../../engine/artifacts/maven-jars.ts'
import { publishedArchive } from '../../engine/artifacts/published-archive.ts'
import { readLock } from './lock-file.ts'

const version = '3.7.0'

/** What `node roles/artifacts/lock.ts` resolves into kafka.lock. */
export const kafkaDependencies: readonly MavenDependency[] = [
  { coordinate: `org.apache.kafka:kafka_2.13:${version}` },
  { coordinate: `org.apache.kafka:kafka-tools:${version}` },
  // Kafka itself names no logger; the published archive has this one.
  { coordinate: 'org.slf4j:slf4j-reload4j:1.7.36' },
]

/** Kafka's jars in `libs/`: a broker, its command line tools, and reload4j for its log. */
export function kafkaArtifact(): Artifact {
  return {
    name: 'kafka',
    version,
    sources: [
      publishedArchive({
        url: `https://archive.apache.org/dist/kafka/${version}/kafka_2.13-${version}.tgz`,
        checksum: {
          algorithm: 'sha512',
          hex: 'b8679283a2d8dab86e7c636b2c688fe9d9e64ac437241f65ef7a1733f4d26a2bd415eefa04f09f1911373bcd2a5dbc3838c76347f68656425c09202cd290ce91',
        },
        version,
        architecture: 'all',
        place: (path) => (/^(libs\/[^/]+\.jar|LICENSE|NOTICE)$/.test(path) ? path : undefined),
      }),
      mavenJars({ dependencies: kafkaDependencies, manifest: readLock('kafka.lock'), version }),
    ],
  }
}
