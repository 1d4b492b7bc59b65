import { randomFrom } from './usage-documents.ts'

const gpus = [
  { host: 'gpu-1', gpu_index: 0, name: 'A100 40GB', mem_total_mb: 40_960, power: 400, price: 3.2 },
  { host: 'gpu-1', gpu_index: 1, name: 'A100 40GB', mem_total_mb: 40_960, power: 400, price: 3.2 },
  { host: 'gpu-2', gpu_index: 0, name: 'A100 40GB', mem_total_mb: 40_960, power: 400, price: 3.2 },
  { host: 'gpu-2', gpu_index: 1, name: 'A100 40GB', mem_total_mb: 40_960, power: 400, price: 3.2 },
  { host: 'gpu-3', gpu_index: 0, name: 'RTX 3090', mem_total_mb: 24_576, power: 350, price: 0.85 },
  { host: 'gpu-4', gpu_index: 0, name: 'RTX 3090', mem_total_mb: 24_576, power: 350, price: 0.85 },
]

/** What runs on each GPU, in its order. */
const models = ['llama-3-70b', 'llama-3-70b', 'llama-3-70b', 'mistral-large', 'mistral-large', 'qwen-2.5-72b']

/** From 0 to 1: how busy a GPU is at a time, in waves that are its own. */
function load(gpu: number, second: number): number {
  const wave = (period: number, phase: number) => Math.sin((second / period + phase) * 2 * Math.PI)
  return 0.6 + 0.16 * wave(640, gpu * 0.06) + 0.09 * wave(171, gpu * 0.19) + 0.05 * wave(47, gpu * 0.31)
}

/** What six GPUs of four hosts send in one second: always the same for the same second. */
export function busySecond(second: number): { samples: string[]; usages: string[] } {
  const random = randomFrom(second)
  const between = (least: number, largest: number) => least + Math.floor(random() * (largest - least + 1))
  const at = (milliseconds: number) => new Date(second * 1000 + milliseconds).toISOString()
  const busy = gpus.map((gpu, index) => ({
    ...gpu,
    model: models[index] ?? '',
    load: Math.min(1, load(index, second) + (random() - 0.5) * 0.04),
  }))
  const samples = busy.map(
    ({ host, gpu_index, name, mem_total_mb, power, price, load: utilization }, index) =>
      JSON.stringify({
        ...{ host, gpu_index, name, mem_total_mb, utilization, ts: at(0), price_per_hour_usd: price },
        mem_used_mb: Math.round(mem_total_mb * (0.42 + index * 0.07 + utilization * 0.12)),
        power_w: Math.round(power * (0.2 + 0.7 * utilization)),
      }),
  )
  const usages = busy.flatMap(({ host, gpu_index, model, price, load: share }) =>
    Array.from({ length: Math.round(share * 9 + random() - 0.5) }, (_, index) =>
      JSON.stringify({
        ...{ host, gpu_index, model, ts: at(index * 100), price_per_hour_usd: price },
        ...{
          prompt_tokens: between(256, 2048),
          completion_tokens: between(64, 512),
          latency_ms: between(100, 800),
        },
      }),
    ),
  )
  return { samples, usages }
}
