import * as v from 'valibot'
import { aptPackage } from '../engine/resources/apt-package.ts'
import { defineRole } from '../engine/role.ts'

/** A Java 17 runtime, from the distribution. */
export const java = defineRole({
  name: 'java',
  description: 'the Java 17 runtime of the distribution',
  params: v.strictObject({
    package: v.pipe(
      v.optional(v.string(), 'openjdk-17-jre-headless'),
      v.description('the package that brings it'),
    ),
  }),
  resources: (params) => [aptPackage({ name: params.package })],
})

/** Megabytes of heap as a share of the host's memory, within bounds. */
export function heapMb(memoryMb: number, share: number, [least, most]: [number, number]): number {
  return Math.max(least, Math.min(most, Math.floor(memoryMb * share)))
}

/**
 * The collector settings that Kafka's documentation recommends for brokers and ZooKeeper alike, but for its regions of
 * 16 MB, meant for 6 GB: of a heap of some hundred MB they would leave the collector too few.
 */
export function javaOptions(heap: number): string[] {
  return [
    `-Xms${Math.min(heap, 256)}m`,
    `-Xmx${heap}m`,
    // Classes of more than the default 21 MB would bring a collection of everything in the first seconds.
    '-XX:MetaspaceSize=96m',
    '-XX:+UseG1GC',
    '-XX:MaxGCPauseMillis=20',
    '-XX:InitiatingHeapOccupancyPercent=35',
    '-XX:+ExplicitGCInvokesConcurrent',
    '-XX:+ExitOnOutOfMemoryError',
    '-Djava.awt.headless=true',
  ]
}
