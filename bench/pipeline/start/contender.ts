import type { Program } from '../program.ts'

/** A processor that runs, and where it says that it is well. */
export interface Contender {
  program: Program
  log: string
  healthUrl: string
}
