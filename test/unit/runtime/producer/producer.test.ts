import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { ProducerEnvironment, readEnvironment } from '../../../../runtime/config.ts'
import { decodeGpuSample, decodeTokenUsage, parseFields, Rejection } from '../../../../runtime/decode.ts'
import { parseCommandLine, UsageError } from '../../../../runtime/producer/command-line.ts'
import { createEvents } from '../../../../runtime/producer/events.ts'
import { GpuSourceError } from '../../../../runtime/producer/gpu.ts'
import { parseNvidiaSmi } from '../../../../runtime/producer/nvidia-smi.ts'
import { createGpuSource } from '../../../../runtime/producer/source.ts'

const environmentWith = (variables: Record<string, string>) =>
  readEnvironment(ProducerEnvironment, { KAFKA_BOOTSTRAP: 'a:9092', HOSTNAME: 'vm4', ...variables })

const namesOf = async (variables: Record<string, string>) => {
  const source = await createGpuSource(environmentWith(variables))
  return (await source.read()).map(({ host, gpu_index, name }) => `${host}#${gpu_index} ${name}`)
}

test('the seed GPUs both have index 0, so each has a host of its own', async (t) => {
  t.deepEqual(await namesOf({}), ['vm4#0 RTX 3090', 'vm4-2#0 A100 40GB'])
})

const eightGpus = async (t: ExecutionContext): Promise<string> => {
  const directory = await mkdtemp(join(tmpdir(), 'sluice-gpus-'))
  t.teardown(() => rm(directory, { recursive: true }))
  const path = join(directory, 'seed.json')
  const gpu = { utilization: 0.5, mem_used_mb: 1, mem_total_mb: 2, power_w: 3, price_per_hour_usd: 1 }
  const gpus = Array.from({ length: 8 }, (_, index) => ({ ...gpu, gpu_index: index, name: 'H100' }))
  await writeFile(path, JSON.stringify(gpus))
  return path
}

test('instances divide the GPUs of the source among them: none is left out, and none is reported twice', async (t) => {
  const GPU_SEED = await eightGpus(t)
  for (const instances of [1, 2, 3, 8]) {
    const shares = await Promise.all(
      Array.from({ length: instances }, (_, place) =>
        namesOf({
          ...{ GPU_SEED, PRODUCER_INSTANCE: String(place + 1) },
          PRODUCER_INSTANCES: String(instances),
        }),
      ),
    )
    t.deepEqual(
      shares.flat().sort(),
      Array.from({ length: 8 }, (_, index) => `vm4#${index} H100`),
    )
  }
  t.deepEqual(await namesOf({ GPU_SEED, PRODUCER_INSTANCE: '2', PRODUCER_INSTANCES: '3' }), [
    'vm4#1 H100',
    'vm4#4 H100',
    'vm4#7 H100',
  ])
})

test('instances that report the same GPU, or GPUs that none may report, are said', async (t) => {
  const remarkOf = async (variables: Record<string, string>) =>
    (await createGpuSource(environmentWith(variables))).remark
  const GPU_SEED = await eightGpus(t)

  t.is(await remarkOf({}), undefined)
  t.is(await remarkOf({ PRODUCER_INSTANCE: '2', PRODUCER_INSTANCES: '2' }), undefined)
  t.is(await remarkOf({ GPU_SEED, PRODUCER_INSTANCE: '2', PRODUCER_INSTANCES: '2' }), undefined)
  t.regex(
    (await remarkOf({ PRODUCER_INSTANCE: '1', PRODUCER_INSTANCES: '3' })) ?? '',
    /^3 instances share 2 GPUs, .*producer\.instances/,
  )
  t.regex((await remarkOf({ GPU_SEED, PRODUCER_INSTANCE: '1' })) ?? '', /^only one of 8 GPUs is reported/)
})

test('without a number of instances each stands for one GPU of the source', async (t) => {
  t.deepEqual(await namesOf({ PRODUCER_INSTANCE: '1' }), ['vm4#0 RTX 3090'])
  t.deepEqual(await namesOf({ PRODUCER_INSTANCE: '2' }), ['vm4-2#0 A100 40GB'])
  t.deepEqual(await namesOf({ PRODUCER_INSTANCE: '3' }), ['vm4#0 RTX 3090'])
})

test('what the producer makes is what the processor takes', async (t) => {
  const source = await createGpuSource(environmentWith({}))
  for (const gpu of await source.read()) {
    const events = createEvents(gpu, { marker: 'm', random: Math.random, now: new Date() })
    const read = (value: unknown) => {
      const fields = parseFields(Buffer.from(String(value)))
      if (fields instanceof Rejection) throw new TypeError(fields.reason)
      return fields
    }
    t.false(decodeGpuSample(read(events.sample.value)) instanceof Rejection)
    t.false(decodeTokenUsage(read(events.usage.value)) instanceof Rejection)
    t.is(events.sample.key, gpu.host)
    t.is(events.usage.key, gpu.host)
  }
})

test('a seed file that is not what it should be is an error that says where', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'sluice-seed-'))
  t.teardown(() => rm(directory, { recursive: true }))
  const path = join(directory, 'seed.json')
  await writeFile(path, JSON.stringify([{ gpu_index: 0, name: 'X', utilization: 7 }]))

  const error = await t.throwsAsync(namesOf({ GPU_SEED: path }), { instanceOf: GpuSourceError })

  t.true(error?.message.startsWith(`${path}: `))
  t.true(error?.message.includes('0.utilization'))
  t.true(error?.message.includes('0.power_w'))
})

test('a source that this host does not have says so, and what to do', async (t) => {
  const nvml = await t.throwsAsync(namesOf({ GPU_METRICS_SOURCE: 'nvml' }), { instanceOf: GpuSourceError })

  t.regex(nvml?.message ?? '', /not available on this host/)
  t.regex(nvml?.advice ?? '', /GPU_METRICS_SOURCE/)
})

test('the CSV of nvidia-smi becomes readings, and what it does not measure is 0', (t) => {
  const csv =
    '0, NVIDIA A100-SXM4-40GB, 55, 12000, 40960, 210.52\n1, NVIDIA A100-SXM4-40GB, [N/A], 5, 40960, [N/A]\n'

  const gpus = parseNvidiaSmi(csv, { host: 'gpu-1', price: 3.2 })

  t.deepEqual(gpus[0], {
    host: 'gpu-1',
    gpu_index: 0,
    name: 'NVIDIA A100-SXM4-40GB',
    utilization: 0.55,
    mem_used_mb: 12_000,
    mem_total_mb: 40_960,
    power_w: 210.52,
    price_per_hour_usd: 3.2,
  })
  t.is(gpus[1]?.utilization, 0)
  t.is(gpus[1]?.power_w, 0)
})

test('parts of a GPU, warnings and other ways to say that nothing is measured are no obstacle', (t) => {
  const csv = [
    '0, NVIDIA A100-SXM4-40GB, [N/A], 20354, 40960, 61.18',
    '  MIG 3g.20gb     Device  0: (UUID: MIG-2f0b1a52-5a5e-5c0a-8b6c-0a9a5f0e5a11)',
    '1, Tesla T4, [Not Supported], [Unknown Error], 15360, [Insufficient Permissions]',
    'Unable to determine the device handle for GPU 0000:02:00.0: GPU is lost.  Reboot the system to recover this GPU',
    'WARNING: infoROM is corrupted at gpu 0000:00:1E.0',
    '',
  ].join('\n')

  const gpus = parseNvidiaSmi(csv, { host: 'gpu-1', price: 3.2 })

  t.deepEqual(
    gpus.map((gpu) => [gpu.gpu_index, gpu.utilization, gpu.mem_used_mb, gpu.mem_total_mb, gpu.power_w]),
    [
      [0, 0, 20_354, 40_960, 61.18],
      [1, 0, 0, 15_360, 0],
    ],
  )
  t.deepEqual(parseNvidiaSmi('No devices were found\n', { host: 'gpu-1', price: 1 }), [])
  t.throws(() => parseNvidiaSmi('gibberish\n', { host: 'gpu-1', price: 1 }), { instanceOf: GpuSourceError })
})

test('the command line knows sending and the doctor, and nothing else', (t) => {
  t.deepEqual(parseCommandLine([]), { kind: 'send', follow: false, marker: undefined })
  t.deepEqual(parseCommandLine(['--follow', '--marker', 'x']), { kind: 'send', follow: true, marker: 'x' })
  t.deepEqual(parseCommandLine(['doctor', '--json']), { kind: 'doctor', json: true })
  for (const words of [['dance'], ['--loud'], ['doctor', '--follow'], ['--json'], ['--marker', '']]) {
    t.throws(() => parseCommandLine(words), { instanceOf: UsageError }, words.join(' '))
  }
})
