import type { ProducerEnvironment } from '../config.ts'
import { type GpuReading, type GpuSource, GpuSourceError } from './gpu.ts'
import { nvidiaSmiSource } from './nvidia-smi.ts'
import { nvmlSource } from './nvml.ts'
import { seedSource } from './seed.ts'

type Name = Exclude<ProducerEnvironment['GPU_METRICS_SOURCE'], 'auto'>

/** What `auto` tries, in this order. */
const automatic: readonly Name[] = ['nvml', 'nvidia-smi', 'seed']

/** The source that the environment names, narrowed to one GPU where this is one of several instances. */
export async function createGpuSource(
  environment: ProducerEnvironment,
  random: () => number = Math.random,
): Promise<GpuSource> {
  const { GPU_METRICS_SOURCE: name, PRODUCER_INSTANCE: instance } = environment
  const source =
    name === 'auto' ? await firstThatWorks(environment, random) : await namedSource(name, environment, random)
  return instance === undefined ? source : onlyGpu(source, instance)
}

async function namedSource(
  name: Name,
  environment: ProducerEnvironment,
  random: () => number,
): Promise<GpuSource> {
  const { HOSTNAME: host, GPU_SEED: file, PRICE_PER_HOUR_USD: price } = environment
  switch (name) {
    case 'seed':
      return seedSource({ file, host, random })
    case 'nvidia-smi':
      return nvidiaSmiSource({ host, price })
    case 'nvml':
      return nvmlSource({
        host,
        price,
        binding: environment.NVML_BINDING,
        library: environment.NVML_LIBRARY,
      })
  }
}

/** Says in its name which it is, and why it is not one of those before it. */
async function firstThatWorks(environment: ProducerEnvironment, random: () => number): Promise<GpuSource> {
  const reasons: string[] = []
  for (const name of automatic) {
    try {
      const source = await namedSource(name, environment, random)
      await source.read()
      const why = reasons.length === 0 ? '' : ` (${reasons.join('; ')})`
      return { name: `${source.name}, chosen by auto${why}`, read: () => source.read() }
    } catch (error) {
      if (!(error instanceof GpuSourceError)) throw error
      reasons.push(error.message)
    }
  }
  throw new GpuSourceError(
    `no source of GPU samples works on this host: ${reasons.join('; ')}`,
    'correct what GPU_SEED names, or leave it empty',
  )
}

/** Instance 1 stands for the first GPU, 2 for the second, and with fewer GPUs than instances they begin anew. */
function onlyGpu(source: GpuSource, instance: number): GpuSource {
  return {
    name: source.name,
    async read(): Promise<GpuReading[]> {
      const gpus = await source.read()
      const gpu = gpus[(instance - 1) % gpus.length]
      return gpu === undefined ? [] : [gpu]
    },
  }
}
