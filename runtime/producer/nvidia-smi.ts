import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { type GpuReading, type GpuSource, GpuSourceError } from './gpu.ts'

const columns = ['index', 'name', 'utilization.gpu', 'memory.used', 'memory.total', 'power.draw'] as const

const run = promisify(execFile)

/** The GPUs that `nvidia-smi` of this host tells of. */
export function nvidiaSmiSource({ host, price }: { host: string; price: number }): GpuSource {
  return {
    name: 'nvidia-smi',
    async read() {
      const advice = 'install the NVIDIA driver, or set GPU_METRICS_SOURCE=seed'
      try {
        const { stdout } = await run(
          'nvidia-smi',
          [`--query-gpu=${columns.join(',')}`, '--format=csv,noheader,nounits'],
          { timeout: 10_000 },
        )
        const gpus = parseNvidiaSmi(stdout, { host, price })
        if (gpus.length > 0) return gpus
      } catch (error) {
        if (error instanceof GpuSourceError) throw error
        const why = error instanceof Error ? error.message.trim() : String(error)
        throw new GpuSourceError(`nvidia-smi is not available on this host: ${why}`, advice, error)
      }
      throw new GpuSourceError('nvidia-smi names no GPU on this host', advice)
    },
  }
}

/** Reads the CSV. `[N/A]`, which a GPU says of what it does not measure (MIG, some laptops), counts as 0. */
export function parseNvidiaSmi(csv: string, { host, price }: { host: string; price: number }): GpuReading[] {
  return csv
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .map((line) => {
      const [index = '', name = '', utilization, used, total, power] = line.split(/,\s*/)
      if (!/^\d+$/.test(index) || name === '' || power === undefined) {
        throw new GpuSourceError(
          `nvidia-smi printed a line of another form than ${columns.join(', ')}: ${line}`,
          'run nvidia-smi by hand to see what it reports',
        )
      }
      return {
        host,
        gpu_index: Number(index),
        name,
        utilization: Math.min(1, measured(utilization) / 100),
        mem_used_mb: measured(used),
        mem_total_mb: measured(total),
        power_w: measured(power),
        price_per_hour_usd: price,
      }
    })
}

const measured = (text: string | undefined): number => {
  const value = Number(text)
  return Number.isFinite(value) && value > 0 ? value : 0
}
