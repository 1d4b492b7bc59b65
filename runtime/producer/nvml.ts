import { reasonOf } from '../reason.ts'
import { type GpuReading, type GpuSource, GpuSourceError } from './gpu.ts'
import { loadNvml, NvmlError, type NvmlLibrary, nvmlCodes } from './nvml-library.ts'

const advice = 'install the NVIDIA driver, or set GPU_METRICS_SOURCE to nvidia-smi, seed or auto'

/** The GPUs that NVIDIA's driver tells of through its library: no program is started to ask. */
export function nvmlSource({
  host,
  price,
  binding,
  library,
}: {
  host: string
  price: number
  /** The native file of koffi; without it NVML cannot be called. */
  binding: string | undefined
  library: string
}): GpuSource {
  let nvml: NvmlLibrary | undefined
  return {
    name: 'nvml',
    async read() {
      try {
        nvml ??= loaded(binding, library)
        const gpus = readingsOf(nvml, { host, price })
        if (gpus.length > 0) return gpus
      } catch (error) {
        if (error instanceof GpuSourceError) throw error
        const why = reasonOf(error)
        throw new GpuSourceError(`nvml is not available on this host: ${why}`, advice, error)
      }
      throw new GpuSourceError('nvml names no GPU that answers on this host', advice)
    },
  }
}

function loaded(binding: string | undefined, library: string): NvmlLibrary {
  if (binding !== undefined) return loadNvml({ binding, library })
  throw new GpuSourceError(
    'nvml is not available on this host: NVML_BINDING does not name the file that calls it',
    'run provision with producer.source nvml or auto, which brings that file, or set GPU_METRICS_SOURCE to nvidia-smi',
  )
}

function readingsOf(nvml: NvmlLibrary, { host, price }: { host: string; price: number }): GpuReading[] {
  const found: GpuReading[] = []
  let lost: NvmlError | undefined
  for (let index = 0; index < nvml.count(); index += 1) {
    try {
      found.push({ host, gpu_index: index, ...readingOf(nvml, index), price_per_hour_usd: price })
    } catch (error) {
      // One GPU that fell off the bus, or is another's, does not take the others with it.
      if (!(error instanceof NvmlError) || !absent.includes(error.code)) throw error
      lost = error
    }
  }
  if (found.length === 0 && lost !== undefined) throw lost
  return found
}

const absent: readonly number[] = [nvmlCodes.gpuIsLost, nvmlCodes.noPermission]

function readingOf(nvml: NvmlLibrary, index: number) {
  const device = nvml.device(index)
  const memory = measured(() => nvml.memory(device), { total: 0, used: 0 })
  return {
    name: nvml.name(device),
    utilization: Math.min(1, measured(() => nvml.utilization(device), 0) / 100),
    mem_used_mb: Math.round(memory.used / 1024 ** 2),
    mem_total_mb: Math.round(memory.total / 1024 ** 2),
    power_w: measured(() => nvml.power(device), 0),
  }
}

/** What a GPU does not measure (utilisation while it is divided by MIG, power of some) counts as 0. */
function measured<Value>(read: () => Value, otherwise: Value): Value {
  try {
    return read()
  } catch (error) {
    if (error instanceof NvmlError && error.code === nvmlCodes.notSupported) return otherwise
    throw error
  }
}
