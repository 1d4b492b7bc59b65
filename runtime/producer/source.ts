import type { ProducerEnvironment } from '../config.ts'
import { type GpuReading, type GpuSource, GpuSourceError } from './gpu.ts'
import { nvidiaSmiSource } from './nvidia-smi.ts'
import { nvmlSource } from './nvml.ts'
import { seedSource } from './seed.ts'

type Name = Exclude<ProducerEnvironment['GPU_METRICS_SOURCE'], 'auto'>

/** What `auto` tries, in this order. */
const automatic: readonly Name[] = ['nvml', 'nvidia-smi', 'seed']

/** The source that the environment names, narrowed to its share of the GPUs where this is one of several instances. */
export async function createGpuSource(
  environment: ProducerEnvironment,
  random: () => number = Math.random,
): Promise<GpuSource> {
  const { GPU_METRICS_SOURCE: name, PRODUCER_INSTANCE: instance, PRODUCER_INSTANCES: instances } = environment
  const source =
    name === 'auto' ? await firstThatWorks(environment, random) : await namedSource(name, environment, random)
  return instance === undefined ? source : shareOf(source, { instance, instances })
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

/**
 * Of n instances, instance 1 stands for the GPUs 1, n + 1, … of the source, 2 for 2, n + 2, …. With fewer GPUs than
 * instances they begin anew; without a number of instances each stands for one GPU. Both are told.
 */
async function shareOf(
  source: GpuSource,
  { instance, instances }: { instance: number; instances: number | undefined },
): Promise<GpuSource> {
  const own = (gpus: GpuReading[]): GpuReading[] => {
    const step = instances ?? gpus.length
    const share = gpus.filter((_, place) => place % step === (instance - 1) % step)
    return share.length > 0 ? share : gpus.slice((instance - 1) % gpus.length).slice(0, 1)
  }
  const remark = remarkOn((await source.read()).length, { instance, instances })
  return {
    name: source.name,
    ...(remark === undefined ? {} : { remark }),
    read: async () => own(await source.read()),
  }
}

/** What is not as it should be with this many GPUs. */
function remarkOn(
  gpus: number,
  { instance, instances }: { instance: number; instances: number | undefined },
): string | undefined {
  if (instances === undefined) {
    return gpus === 1
      ? undefined
      : `only one of ${gpus} GPUs is reported by instance ${instance}: set PRODUCER_INSTANCES to how many instances there are`
  }
  return instances <= gpus
    ? undefined
    : `${instances} instances share ${gpus === 1 ? 'one GPU' : `${gpus} GPUs`}, and what several report counts several times: make them ${gpus} (producer.instances)`
}
