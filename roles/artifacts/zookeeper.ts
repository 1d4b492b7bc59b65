import type { Artifact } from '../../engine/artifacts/artifact.ts'
import { type MavenDependency, mavenJars } from '../../engine/artifacts/maven-jars.ts'
import { publishedArchive } from '../../engine/artifacts/published-archive.ts'
import { readLock } from './lock-file.ts'

const version = '3.9.2'

/** What `node roles/artifacts/lock.ts` resolves into zookeeper.lock. */
export const zookeeperDependencies: readonly MavenDependency[] = [
  {
    coordinate: `org.apache.zookeeper:zookeeper:${version}`,
    // Native TLS for five systems: half of the size. ZooKeeper's TLS is the JDK's unless it is told otherwise.
    exclude: ['io.netty:netty-tcnative-boringssl-static'],
  },
  // Without these two, which its pom calls provided, it does not start.
  { coordinate: 'io.dropwizard.metrics:metrics-core:4.1.12.1' },
  { coordinate: 'org.xerial.snappy:snappy-java:1.1.10.5' },
]

/** ZooKeeper's jars in `libs/`, with logback for its log. */
export function zookeeperArtifact(): Artifact {
  return {
    name: 'zookeeper',
    version,
    sources: [
      publishedArchive({
        url: `https://archive.apache.org/dist/zookeeper/zookeeper-${version}/apache-zookeeper-${version}-bin.tar.gz`,
        checksum: {
          algorithm: 'sha512',
          hex: '2b5ae02d618a27ca8cd54924855d5344263b7d9dee760181f9d66bafa9230324d2ad31786895f0654c969dc38d4a3d0077f74cc376b58b5fa2fb94beb1ab445f',
        },
        version,
        architecture: 'all',
        place(path) {
          const jar = /^lib\/([^/]+\.jar)$/.exec(path)?.[1]
          if (jar !== undefined) return `libs/${jar}`
          return /^(LICENSE|NOTICE)\.txt$/.test(path) ? path : undefined
        },
      }),
      mavenJars({ dependencies: zookeeperDependencies, manifest: readLock('zookeeper.lock'), version }),
    ],
  }
}
