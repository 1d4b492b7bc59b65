import { readFile } from 'node:fs/promises'
import * as v from 'valibot'
import { GpuSample } from '../messages.ts'
import { reasonOf } from '../reason.ts'
import { type GpuSource, GpuSourceError, placeOnHosts } from './gpu.ts'

const { gpu_index, name, utilization, mem_used_mb, mem_total_mb, power_w, price_per_hour_usd } =
  GpuSample.entries

/** What a seed file holds: a list of GPUs, each with the fields of a sample but for its time and host. */
const SeedFile = v.pipe(
  v.array(
    v.strictObject({ gpu_index, name, utilization, mem_used_mb, mem_total_mb, power_w, price_per_hour_usd }),
  ),
  v.minLength(1, 'should name at least one GPU'),
)
type SeedFile = v.InferOutput<typeof SeedFile>

/** The GPUs that there are without a seed file. */
const builtInSeed: SeedFile = [
  {
    gpu_index: 0,
    name: 'RTX 3090',
    utilization: 0.7,
    mem_used_mb: 9000,
    mem_total_mb: 24_576,
    power_w: 280,
    price_per_hour_usd: 0.85,
  },
  {
    gpu_index: 0,
    name: 'A100 40GB',
    utilization: 0.5,
    mem_used_mb: 12_000,
    mem_total_mb: 40_960,
    power_w: 210,
    price_per_hour_usd: 3.2,
  },
]

/** Reads a seed file; says in one sentence what is wrong with it, and where. */
async function readSeedFile(path: string): Promise<SeedFile> {
  const advice = 'set GPU_SEED to a JSON file with a list of GPUs, or leave it empty for the built-in ones'
  let parsed: unknown
  try {
    parsed = JSON.parse(await readFile(path, 'utf8'))
  } catch (error) {
    throw new GpuSourceError(`${path}: ${reasonOf(error)}`, advice, error)
  }
  const result = v.safeParse(SeedFile, parsed)
  if (result.success) return result.output
  const problems = result.issues.map((issue) => `${v.getDotPath(issue) ?? 'the list'}: ${issue.message}`)
  throw new GpuSourceError(`${path}: ${problems.join('; ')}`, advice)
}

/** GPUs that do not exist but report as if they did, each near the values of its seed. */
export async function seedSource({
  file,
  host,
  random,
}: {
  file: string | undefined
  host: string
  random: () => number
}): Promise<GpuSource> {
  const seed = file === undefined ? builtInSeed : await readSeedFile(file)
  const placed = placeOnHosts(seed, host)
  const near = (value: number, share: number) => value * (1 + (random() * 2 - 1) * share)
  return {
    name: file === undefined ? 'seed (built in)' : `seed (${file})`,
    read: async () =>
      placed.map((gpu) => ({
        ...gpu,
        utilization: Math.min(1, Math.max(0, Number(near(gpu.utilization, 0.1).toFixed(3)))),
        mem_used_mb: Math.min(gpu.mem_total_mb, Math.round(near(gpu.mem_used_mb, 0.05))),
        power_w: Number(near(gpu.power_w, 0.05).toFixed(1)),
      })),
  }
}
