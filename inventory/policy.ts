import type { PolicyRule } from '../engine/policy.ts'

/** Who may reach what in the pipeline: the security groups. Whatever is not here is denied, on IPv4 and IPv6. */
export const pipelineRules = [
  { from: ['processor', 'producers'], to: 'kafka', port: 9092, protocol: 'tcp' },
  { from: ['processor'], to: 'mongodb', port: 27017, protocol: 'tcp' },
  { from: ['admin'], to: 'processor', port: 8080, protocol: 'tcp' },
  { from: ['admin'], to: 'all', port: 22, protocol: 'tcp' },
] satisfies PolicyRule[]
