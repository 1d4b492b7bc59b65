import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { reasonOf } from '../reason.ts'
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
        const gpus = parseNvidiaSmi(await query(), { host, price })
        if (gpus.length > 0) return gpus
      } catch (error) {
        if (error instanceof GpuSourceError) throw error
        const why = reasonOf(error)
        throw new GpuSourceError(`nvidia-smi is not available on this host: ${why}`, advice, error)
      }
      throw new GpuSourceError('nvidia-smi names no GPU on this host', advice)
    },
  }
}

/** What the program says. It ends with an error when one GPU of several is lost, and tells of the others all the same. */
async function query(): Promise<string> {
  const words = [`--query-gpu=${columns.join(',')}`, '--format=csv,noheader,nounits']
  try {
    return (await run('nvidia-smi', words, { timeout: 10_000 })).stdout
  } catch (error) {
    const stdout = error instanceof Error && 'stdout' in error ? String(error.stdout) : ''
    if (/^\d+, /m.test(stdout)) return stdout
    throw error
  }
}

/** Lines that are about a GPU, or a part of one, but no sample of it. */
const remark = /^(MIG |WARNING:|Unable to |No devices were found)/

/**
 * Reads the CSV. `[N/A]` and its like, which a GPU says of what it does not measure (utilisation while MIG divides it,
 * power on some laptops), counts as 0.
 */
export function parseNvidiaSmi(csv: string, { host, price }: { host: string; price: number }): GpuReading[] {
  return csv
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !remark.test(line))
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
