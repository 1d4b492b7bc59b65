import test from 'ava'
import {
  ConfigurationError,
  ProcessorEnvironment,
  ProducerEnvironment,
  readEnvironment,
} from '../../../runtime/config.ts'

const needed = { KAFKA_BOOTSTRAP: '10.0.1.10:9092', MONGODB_URI: 'mongodb://10.0.1.11/ca0' }

test('the processor runs with the two addresses and defaults for the rest', (t) => {
  const environment = readEnvironment(ProcessorEnvironment, needed)

  t.deepEqual(environment.KAFKA_BOOTSTRAP, ['10.0.1.10:9092'])
  t.is(environment.TOPIC_METRIC, 'gpu.metrics.v1')
  t.is(environment.TOPIC_TOKEN, 'token.usage.v1')
  t.is(environment.KAFKA_TOPIC, 'tokens')
  t.is(environment.PRICE_PER_HOUR_USD, 0.85)
  t.is(environment.HTTP_PORT, 8080)
})

test('the database may be named by any of its three names, the first of them wins', (t) => {
  const { KAFKA_BOOTSTRAP } = needed
  const uriOf = (others: Record<string, string>) =>
    readEnvironment(ProcessorEnvironment, { KAFKA_BOOTSTRAP, ...others }).MONGODB_URI

  t.is(uriOf({ MONGO_URL: 'mongodb://a/x' }), 'mongodb://a/x')
  t.is(uriOf({ MONGO_URI: 'mongodb://b/x' }), 'mongodb://b/x')
  t.is(uriOf({ MONGODB_URI: '', MONGO_URL: 'mongodb://a/x', MONGO_URI: 'mongodb://b/x' }), 'mongodb://a/x')
})

test('several brokers are a list', (t) => {
  const { KAFKA_BOOTSTRAP } = readEnvironment(ProducerEnvironment, {
    KAFKA_BOOTSTRAP: 'a:9092, [fd77::1]:9092',
  })

  t.deepEqual(KAFKA_BOOTSTRAP, ['a:9092', '[fd77::1]:9092'])
})

test('the producer sends 20 times, half a second apart, from the seed', (t) => {
  const environment = readEnvironment(ProducerEnvironment, { KAFKA_BOOTSTRAP: 'a:9092' })

  t.is(environment.BATCH, 20)
  t.is(environment.SLEEP_SEC, 0.5)
  t.is(environment.GPU_METRICS_SOURCE, 'seed')
  t.is(environment.KAFKA_TOPIC, undefined)
})

test('everything that is wrong is said at once, each with its name, rule and value', (t) => {
  const error = t.throws(
    () =>
      readEnvironment(ProducerEnvironment, {
        KAFKA_BOOTSTRAP: 'kafka',
        BATCH: 'many',
        SLEEP_SEC: '-1',
        GPU_METRICS_SOURCE: 'dcgm',
      }),
    { instanceOf: ConfigurationError },
  )

  t.is(error?.problems.length, 4)
  t.true(error?.message.includes('KAFKA_BOOTSTRAP should be host:port, got "kafka"'))
  t.true(error?.message.includes('BATCH should be a number in digits, got "many"'))
  t.true(error?.message.includes('SLEEP_SEC should be a number in digits, got "-1"'))
  t.regex(error?.message ?? '', /GPU_METRICS_SOURCE should be .*"seed".*, got "dcgm"/)
})

test('what is needed and not set is said so', (t) => {
  const error = t.throws(() => readEnvironment(ProcessorEnvironment, {}), { instanceOf: ConfigurationError })

  t.true(error?.message.includes('KAFKA_BOOTSTRAP is not set'))
  t.true(error?.message.includes('MONGODB_URI is not set (nor are MONGO_URL and MONGO_URI)'))
})

test('a connection string with a password is not shown', (t) => {
  const error = t.throws(() =>
    readEnvironment(ProcessorEnvironment, { ...needed, MONGODB_URI: 'mongo://user:secret@h/ca0' }),
  )

  t.false(error?.message.includes('secret'))
  t.true(error?.message.includes('MONGODB_URI should begin with mongodb://'))
})
