import { hostname } from 'node:os'
import * as v from 'valibot'

/** The environment says something that the program cannot run with. Each line names one variable. */
export class ConfigurationError extends Error {
  override readonly name = 'ConfigurationError'
  readonly problems: string[]

  constructor(problems: string[]) {
    super(`CONFIGURATION  ${problems.join('; ')}`)
    this.problems = problems
  }
}

/** The exit code of a program whose environment is wrong: EX_CONFIG, so that a unit can choose not to restart it. */
export const configurationExitCode = 78

const numberWritten = (schema: v.GenericSchema<number, number>) =>
  v.pipe(v.string(), v.regex(/^\d+(\.\d+)?$/, 'should be a number in digits'), v.transform(Number), schema)
const amount = (least = 0, largest = 1e9) =>
  numberWritten(v.pipe(v.number(), v.minValue(least), v.maxValue(largest)))
const whole = (least: number, largest: number) =>
  numberWritten(
    v.pipe(v.number(), v.integer('should be a whole number'), v.minValue(least), v.maxValue(largest)),
  )

const Topic = v.pipe(
  v.string(),
  v.regex(/^[a-zA-Z0-9._-]{1,249}$/, 'should be a topic name: letters, digits, ".", "_" and "-"'),
)

const Brokers = v.pipe(
  v.string(),
  v.transform((written) => written.split(',').map((part) => part.trim())),
  v.array(
    v.pipe(v.string(), v.regex(/^[^\s:]+:\d{1,5}$|^\[[0-9a-fA-F:]+\]:\d{1,5}$/, 'should be host:port')),
  ),
)

const MongoUri = v.pipe(
  v.string(),
  v.regex(/^mongodb(\+srv)?:\/\//, 'should begin with mongodb:// or mongodb+srv://'),
)

const Path = v.pipe(v.string(), v.regex(/^\//, 'should be a path from the root on'))

const LogLevel = v.picklist(['debug', 'info', 'warn', 'error'])

const kafka = {
  KAFKA_BOOTSTRAP: Brokers,
  TOPIC_METRIC: v.optional(Topic, 'gpu.metrics.v1'),
  TOPIC_TOKEN: v.optional(Topic, 'token.usage.v1'),
  HOSTNAME: v.optional(v.pipe(v.string(), v.maxLength(253)), hostname()),
  LOG_LEVEL: v.optional(LogLevel, 'info'),
}

/** The environment of the processor. */
export const ProcessorEnvironment = v.object({
  ...kafka,
  /** Another topic that carries token usage, for producers that are configured with this name. */
  KAFKA_TOPIC: v.optional(Topic, 'tokens'),
  TOPIC_DLQ: v.optional(Topic, 'pipeline.dlq'),
  CONSUMER_GROUP: v.optional(v.pipe(v.string(), v.minLength(1)), 'sluice-processor'),
  MONGODB_URI: MongoUri,
  PRICE_PER_HOUR_USD: v.optional(amount(), '0.85'),
  /** After how many days documents are deleted; they are kept for ever where it is not set. */
  RETENTION_DAYS: v.optional(whole(1, 36_500)),
  HTTP_HOST: v.optional(v.pipe(v.string(), v.minLength(1)), '0.0.0.0'),
  HTTP_PORT: v.optional(whole(0, 65_535), '8080'),
})
export type ProcessorEnvironment = v.InferOutput<typeof ProcessorEnvironment>

/** The environment of the producer. */
export const ProducerEnvironment = v.object({
  ...kafka,
  /** Where token usage is sent instead of TOPIC_TOKEN, if set. */
  KAFKA_TOPIC: v.optional(Topic),
  GPU_METRICS_SOURCE: v.optional(v.picklist(['seed', 'nvidia-smi', 'nvml', 'auto']), 'seed'),
  /** The native file of koffi, which NVML is called by. */
  NVML_BINDING: v.optional(Path),
  NVML_LIBRARY: v.optional(v.pipe(v.string(), v.minLength(1)), 'libnvidia-ml.so.1'),
  GPU_SEED: v.optional(v.pipe(v.string(), v.minLength(1))),
  PRICE_PER_HOUR_USD: v.optional(amount(), '0.85'),
  BATCH: v.optional(whole(1, 10_000_000), '20'),
  SLEEP_SEC: v.optional(amount(0, 86_400), '0.5'),
  /** The number of this instance on its host, from 1: it then stands for that GPU of the source only. */
  PRODUCER_INSTANCE: v.optional(whole(1, 1000)),
  /** How many instances there are on the host: together they then stand for all GPUs of the source. */
  PRODUCER_INSTANCES: v.optional(whole(1, 1000)),
  /** How long a one-shot run tries to have its messages acknowledged. */
  SEND_TIMEOUT_SEC: v.optional(amount(0.1, 86_400), '30'),
  /** Where events wait on disk while Kafka is away; where it is not set they are not made meanwhile. */
  SPOOL_DIR: v.optional(Path),
  /** How many megabytes they may take there. */
  SPOOL_MB: v.optional(amount(0.001, 1_000_000), '256'),
  /** A file that is rewritten every few seconds with numbers for Prometheus' node exporter. */
  METRICS_FILE: v.optional(Path),
})
export type ProducerEnvironment = v.InferOutput<typeof ProducerEnvironment>

type Environment = Record<string, string | undefined>

/** Reads the variables that `schema` knows. An empty variable counts as one that is not set. */
export function readEnvironment<const Schema extends v.ObjectSchema<v.ObjectEntries, undefined>>(
  schema: Schema,
  environment: Environment,
): v.InferOutput<Schema> {
  const { MONGODB_URI, MONGO_URL, MONGO_URI, ...others } = environment
  const named: Environment = { ...others, MONGODB_URI: MONGODB_URI || MONGO_URL || MONGO_URI }
  const set = Object.fromEntries(
    Object.entries(named).filter(([, value]) => value !== undefined && value !== ''),
  )
  const result = v.safeParse(schema, set)
  if (result.success) return result.output
  throw new ConfigurationError(result.issues.map((issue) => problemOf(issue, set)))
}

function problemOf(issue: v.BaseIssue<unknown>, environment: Environment): string {
  const name = String(issue.path?.[0]?.key ?? 'the environment')
  const value = environment[name]
  if (value === undefined) {
    const others = name === 'MONGODB_URI' ? ' (nor are MONGO_URL and MONGO_URI)' : ''
    return `${name} is not set${others}, and there is no default`
  }
  // A connection string can hold a password.
  const shown = name === 'MONGODB_URI' ? 'something else' : JSON.stringify(value)
  const rule =
    issue.expected === null || issue.kind !== 'schema' ? issue.message : `should be ${issue.expected}`
  return `${name} ${rule.startsWith('Invalid') ? `should be ${issue.expected}` : rule}, got ${shown}`
}
