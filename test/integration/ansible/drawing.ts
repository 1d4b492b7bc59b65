import type { ExecutionContext } from 'ava'
import fc from 'fast-check'

/** The same for everybody who does not ask for another: what fails here fails again. */
const seed = Number(process.env.SLUICE_TEST_SEED ?? 580_955)

/** Draws values; `turn` tells draws of the same kind from one another. */
export function draw<Value>(arbitrary: fc.Arbitrary<Value>, numRuns: number, turn = 0): Value[] {
  return fc.sample(arbitrary, { numRuns, seed: seed + turn })
}

/** Says in the log of a test how to have the same drawn again. */
export function saySeed(t: ExecutionContext): void {
  t.log(`seed ${seed}: SLUICE_TEST_SEED=${seed} repeats it`)
}
