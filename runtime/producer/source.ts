import type { ProducerEnvironment } from '../config.ts'
import { type GpuReading, type GpuSource, GpuSourceError } from './gpu.ts'
import { nvidiaSmiSource } from './nvidia-smi.ts'
import { seedSource } from './seed.ts'

/** The source that the environment names, narrowed to one GPU where this is one of several instances. */
export async function createGpuSource(
  environment: ProducerEnvironment,
  random: () => number = Math.random,
): Promise<GpuSource> {
  const {
    HOSTNAME: host,
    GPU_SEED: file,
    PRICE_PER_HOUR_USD: price,
    PRODUCER_INSTANCE: instance,
  } = environment
  const source = await chosenSource(environment.GPU_METRICS_SOURCE, { host, file, price, random })
  return instance === undefined ? source : onlyGpu(source, instance)
}

async function chosenSource(
  name: ProducerEnvironment['GPU_METRICS_SOURCE'],
  {
    host,
    file,
    price,
    random,
  }: { host: string; file: string | undefined; price: number; random: () => number },
): Promise<GpuSource> {
  switch (name) {
    case 'seed':
      return seedSource({ file, host, random })
    case 'nvidia-smi':
      return nvidiaSmiSource({ host, price })
    case 'nvml':
      throw new GpuSourceError(
        'nvml is not available on this host: this release cannot read it',
        'set GPU_METRICS_SOURCE to nvidia-smi, or to seed',
      )
  }
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
