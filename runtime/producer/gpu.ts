import type { GpuSample } from '../messages.ts'

/** What is said of one GPU at one moment. */
export type GpuReading = Pick<
  GpuSample,
  | 'host'
  | 'gpu_index'
  | 'name'
  | 'utilization'
  | 'mem_used_mb'
  | 'mem_total_mb'
  | 'power_w'
  | 'price_per_hour_usd'
>

/** A place that readings come from. */
export interface GpuSource {
  name: string
  /** What a person should know of what is read there, if anything. */
  remark?: string
  /** All GPUs as they are now, in a fixed order, at least one. Throws `GpuSourceError` where that cannot be told. */
  read(): Promise<GpuReading[]>
}

/** A source gives nothing: which, why, and what to do. */
export class GpuSourceError extends Error {
  override readonly name = 'GpuSourceError'
  readonly advice: string

  constructor(message: string, advice: string, cause?: unknown) {
    super(message, { cause })
    this.advice = advice
  }
}

/**
 * Gives every GPU a host on which no other has its index: the first keeps the host's own name, the others get
 * `-2`, `-3` behind it. Host and index are what names a GPU everywhere.
 */
export function placeOnHosts<Gpu extends { gpu_index: number }>(
  gpus: Gpu[],
  host: string,
): (Gpu & { host: string })[] {
  const seen = new Map<number, number>()
  return gpus.map((gpu) => {
    const earlier = seen.get(gpu.gpu_index) ?? 0
    seen.set(gpu.gpu_index, earlier + 1)
    return { ...gpu, host: earlier === 0 ? host : `${host}-${earlier + 1}` }
  })
}
