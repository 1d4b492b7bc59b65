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

export const nodeBinary = `${currentRelease('node')}/bin/node`
