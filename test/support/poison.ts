import fc from 'fast-check'
import { decodeGpuSample, decodeTokenUsage } from '../../runtime/decode.ts'

/** What becomes of a message: a document of its own, or a dead letter. */
export interface Trial {
  kind: string
  topic: 'metric' | 'token'
  value: Buffer | null
  /** The mark of the document that it should become; `undefined` where it should become none. */
  run: string | undefined
}

type Fields = Record<string, unknown>

const times = fc.date({ min: new Date('2020-01-01'), max: new Date('2090-01-01'), noInvalidDate: true })
const name = fc
  .string({ minLength: 1, maxLength: 30, unit: 'grapheme' })
  .filter((text) => text.isWellFormed())
const amount = fc.double({ min: 0, max: 1e6, noNaN: true })

/** A message that must be stored. */
const sound = (topic: Trial['topic']): fc.Arbitrary<Fields> =>
  topic === 'token'
    ? fc.record({
        ts: times.map((time) => time.toISOString()),
        model: name,
        prompt_tokens: fc.integer({ min: 0, max: 100_000 }),
        completion_tokens: fc.integer({ min: 0, max: 100_000 }),
        latency_ms: amount,
        gpu_index: fc.integer({ min: 0, max: 15 }),
        host: name,
        price_per_hour_usd: amount,
      })
    : fc.record({
        ts: times.map((time) => time.toISOString()),
        host: name,
        gpu_index: fc.integer({ min: 0, max: 15 }),
        name,
        utilization: fc.double({ min: 0, max: 1, noNaN: true }),
        mem_used_mb: amount,
        mem_total_mb: amount,
        power_w: amount,
        price_per_hour_usd: amount,
      })

/** Of no field the right type. */
const wrongType = fc.oneof(
  fc.constantFrom(
    null,
    true,
    [],
    {},
    '',
    [1],
    { $gt: '' },
    { 'a.b': 1 },
    -1,
    1.5e300 * -1,
    '\ud800',
    'x'.repeat(2000),
  ),
)

const needed = {
  token: ['ts', 'model', 'prompt_tokens', 'completion_tokens', 'latency_ms', 'gpu_index'],
  metric: ['ts', 'host', 'gpu_index', 'name', 'utilization', 'mem_used_mb', 'power_w', 'price_per_hour_usd'],
} as const

const numbers = {
  token: ['prompt_tokens', 'completion_tokens', 'latency_ms', 'gpu_index'],
  metric: ['gpu_index', 'utilization', 'mem_used_mb', 'mem_total_mb', 'power_w', 'price_per_hour_usd'],
} as const

const isField = { token: decodeTokenUsage, metric: decodeGpuSample }

const text = (fields: Fields): string => JSON.stringify(fields)

/** The text with one number in it replaced by something that JSON or the schema does not know. */
const withNumber = (fields: Fields, field: string, written: string): string =>
  text({ ...fields, [field]: '@@' }).replace('"@@"', written)

type Topic = Trial['topic']
type Poison = (topic: Topic) => fc.Arbitrary<Buffer | string | null>

/** Kinds of messages that cannot be stored, by name. Large ones come seldom. */
const poisons: Record<string, { weight: number; make: Poison }> = {
  'malformed JSON': {
    weight: 12,
    make: (topic) =>
      fc.oneof(
        fc
          .tuple(sound(topic), fc.nat())
          .map(([fields, at]) => text(fields).slice(0, at % (text(fields).length - 1))),
        sound(topic).map((fields) => `${text(fields)},`),
        sound(topic).map((fields) => text(fields).replaceAll('"', "'")),
        fc.constantFrom('', ' ', '{', 'null', '[]', '"text"', '17', '[{}]', '['.repeat(200_000)),
      ),
  },
  'no value': { weight: 1, make: () => fc.constant(null) },
  'wrong types': {
    weight: 12,
    make: (topic) =>
      fc
        .tuple(sound(topic), fc.constantFrom(...needed[topic]), wrongType)
        .filter(([fields, field, value]) => 'reason' in isField[topic]({ ...fields, [field]: value }))
        .map(([fields, field, value]) => text({ ...fields, [field]: value })),
  },
  'missing fields': {
    weight: 6,
    make: (topic) =>
      fc
        .tuple(sound(topic), fc.constantFrom(...needed[topic]))
        .map(([fields, field]) => text({ ...fields, [field]: undefined })),
  },
  'not a number': {
    weight: 8,
    make: (topic) =>
      fc
        .tuple(
          sound(topic),
          fc.constantFrom(...numbers[topic]),
          fc.constantFrom(
            'NaN',
            '"NaN"',
            'Infinity',
            '-Infinity',
            '1e999',
            '-1e999',
            '0x10',
            '+1',
            '01',
            '.5',
          ),
        )
        .map(([fields, field, written]) => withNumber(fields, field, written)),
  },
  'negative numbers': {
    weight: 8,
    make: (topic) =>
      fc
        .tuple(sound(topic), fc.constantFrom(...numbers[topic]), fc.integer({ min: 1, max: 1e9 }))
        .map(([fields, field, value]) => text({ ...fields, [field]: -value })),
  },
  'times out of this century': {
    weight: 8,
    make: (topic) =>
      fc
        .tuple(
          sound(topic),
          fc.constantFrom('1970-01-01T00:00:00Z', '1970-01-01T00:00:00.000Z', '2170-06-01T12:00:00Z'),
        )
        .map(([fields, ts]) => text({ ...fields, ts })),
  },
  'times of another form': {
    weight: 4,
    make: (topic) =>
      fc
        .tuple(
          sound(topic),
          fc.constantFrom(
            'yesterday',
            '2026-02-30T00:00:00Z',
            '2026-01-01',
            '2026-01-01T00:00:00+01:00',
            1767225600,
          ),
        )
        .map(([fields, ts]) => text({ ...fields, ts })),
  },
  '2 MB': {
    weight: 0.2,
    make: (topic) =>
      fc
        .tuple(sound(topic), fc.boolean())
        .map(([fields, parses]) =>
          parses ? text({ ...fields, ts: 'x'.repeat(2_000_000) }) : `{"ts":"${'y'.repeat(2_000_000)}`,
        ),
  },
  'invalid UTF-8': {
    weight: 8,
    make: (topic) =>
      fc
        .tuple(sound(topic), fc.constantFrom([0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xe2, 0x82], [0x80]))
        .map(([fields, bytes]) => {
          const [before = '', after = ''] = text({ ...fields, note: '@@' }).split('@@')
          return Buffer.concat([Buffer.from(before), Buffer.from(bytes), Buffer.from(after)])
        }),
  },
  'prototypes as fields': {
    weight: 8,
    make: (topic) =>
      fc.oneof(
        sound(topic).map((fields) => `{"__proto__":${text(fields)}}`),
        sound(topic).map((fields) => `{"constructor":{"prototype":${text(fields)}}}`),
        fc.tuple(sound(topic), fc.constantFrom(...needed[topic])).map(([fields, field]) => {
          const { [field]: moved, ...others } = fields
          return `{"__proto__":${text({ [field]: moved })},${text(others).slice(1)}`
        }),
      ),
  },
  'dots and dollars': {
    weight: 8,
    make: (topic) =>
      fc.oneof(
        sound(topic).map((fields) => text({ $set: fields })),
        sound(topic).map((fields) =>
          text(Object.fromEntries(Object.entries(fields).map(([key, value]) => [`a.${key}`, value]))),
        ),
        fc
          .tuple(sound(topic), fc.constantFrom(...needed[topic]))
          .map(([fields, field]) => text({ ...fields, [field]: { $where: 'sleep(1000)' } })),
      ),
  },
  'only unknown fields': {
    weight: 4,
    make: () =>
      fc
        .dictionary(fc.string({ maxLength: 20 }), fc.jsonValue({ maxDepth: 3 }), { maxKeys: 8 })
        .filter((fields) => !('ts' in fields && 'gpu_index' in fields))
        .map(text),
  },
}

export const poisonKinds = Object.keys(poisons)

/** Odd, and yet to be stored: what is not known is left out. */
const odd = (topic: Topic, run: string): fc.Arbitrary<string> =>
  fc.oneof(
    { weight: 4, arbitrary: sound(topic).map((fields) => text({ ...fields, run })) },
    sound(topic).map((fields) => text({ ...fields, run, 'a.b': 1, $where: 'x', unknown: { $gt: '' } })),
    sound(topic).map(
      (fields) => `{"__proto__":{"ts":"x","polluted":true},${text({ ...fields, run }).slice(1)}`,
    ),
    sound(topic).map((fields) => `\n ${text({ ...fields, run })} \t`),
    sound(topic).map((fields) => text({ ...fields, run, event_id: `id-${run}` })),
  )

/** Bad messages and as many good ones among them, the same for a seed. */
export function poisonTrials(bad: number, seed: number): Trial[] {
  const topic = fc.constantFrom<Topic>('metric', 'token')
  const kinds = Object.entries(poisons)
  const anyPoison = fc.oneof(
    ...kinds.map(([kind, { weight, make }]) => ({
      weight: Math.max(1, Math.round(weight * 25)),
      arbitrary: topic.chain((chosen) =>
        make(chosen).map(
          (value): Omit<Trial, 'run'> => ({
            kind,
            topic: chosen,
            value: value === null ? null : Buffer.from(value),
          }),
        ),
      ),
    })),
  )
  const found: Trial[] = fc
    .sample(anyPoison, { numRuns: bad, seed })
    .map((trial) => ({ ...trial, run: undefined }))
  const good = fc.sample(
    topic.chain((chosen) => odd(chosen, '@run@').map((value) => ({ chosen, value }))),
    { numRuns: bad, seed: seed + 1 },
  )
  return found.flatMap((trial, index) => {
    const neighbour = good[index]
    if (neighbour === undefined) throw new TypeError('each has a neighbour')
    const run = `n${index}`
    const value = Buffer.from(neighbour.value.replaceAll('@run@', run))
    return [trial, { kind: 'sound', topic: neighbour.chosen, value, run }]
  })
}
