import { runBench } from './command.ts'
import { readPipelineOptions } from './pipeline/options.ts'
import { measurePipeline } from './pipeline/rounds.ts'

await runBench('bench:pipeline', readPipelineOptions, measurePipeline)
