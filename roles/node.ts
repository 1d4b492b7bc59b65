import * as v from 'valibot'
import { release } from '../engine/resources/release.ts'
import { defineRole } from '../engine/role.ts'
import { nodeArtifact } from './artifacts/node.ts'
import { currentRelease } from './layout.ts'

/** The Node that our own programs run under, beside whatever the host has. */
export const node = defineRole({
  name: 'node',
  description: 'the Node that the processor and the producers run under',
  params: v.strictObject({}),
  resources: (_, { facts }) => [release({ name: 'node', artifact: nodeArtifact(facts.architecture) })],
})

/**
 * What our programs run with. A heap as small as theirs may grow by 30 % only before V8 collects all of it, which then
 * is a fourth of the processor's work (docs/architecture.md, "The processor's reader"): here it may double. kafkajs asks
 * for a negative delay once, which Node 24 would warn of.
 */
export function nodeOptions(heapMb: number): string[] {
  return [
    '--max-semi-space-size=16',
    '--heap-growing-percent=100',
    `--max-old-space-size=${heapMb}`,
    '--disable-warning=TimeoutNegativeWarning',
  ]
}

/** What has leaked beside the heap, in buffers, ends the program and not the host: twice the heap and 256 MB it never takes. */
export function memoryLimit(heapMb: number): string {
  return `MemoryMax=${heapMb * 2 + 256}M`
}

/** A program that ends with EX_CONFIG would end so again: it waits for a new configuration. */
export const misconfigured = ['RestartPreventExitStatus=78']

export const nodeBinary = `${currentRelease('node')}/bin/node`
