import { runBench } from './command.ts'
import { measureUsage } from './usage/measure.ts'
import { readUsageOptions } from './usage/options.ts'

await runBench('bench:usage', readUsageOptions, measureUsage)
