import { execFile } from 'node:child_process'
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import test, { type ExecutionContext } from 'ava'
import { acquireArtifact } from '../../../engine/artifacts/acquire.ts'
import { artifactCacheDirectory } from '../../../engine/artifacts/cache.ts'
import { koffiArtifact, koffiBinding } from '../../../roles/artifacts/koffi.ts'
import { bundleRuntime } from '../../../runtime/bundle.ts'
import { startProgram } from '../../support/programs.ts'

const run = promisify(execFile)
const architecture = process.arch === 'arm64' ? 'arm64' : 'amd64'

interface Ground {
  directory: string
  bundle: string
  binding: string
  library: string
}

const ground = await prepareGround()

/** Everything that the tests need, or why there is no stand-in for the driver; in CI that is an error. */
async function prepareGround(): Promise<Ground | { missing: string }> {
  const directory = await mkdtemp(join(tmpdir(), 'sluice-gpu-'))
  const source = join(import.meta.dirname, '..', '..', 'support', 'nvml-stand-in.c')
  const library = join(directory, 'libnvidia-ml.so.1')
  try {
    await run('gcc', ['-shared', '-fPIC', '-o', library, source])
  } catch (error) {
    await rm(directory, { recursive: true })
    if (process.env.CI === 'true') throw error
    return { missing: `NOT RUN: there is no C compiler: ${error instanceof Error ? error.message : error}` }
  }
  const cacheDirectory = artifactCacheDirectory()
  const { path } = await acquireArtifact(koffiArtifact(architecture), { cacheDirectory })
  await run('tar', ['--extract', '--gzip', '--file', path, '--directory', directory])
  const bundle = await bundleRuntime('producer', directory)
  return { directory, bundle, library, binding: join(directory, koffiBinding(architecture)) }
}

test.after.always(async () => {
  if (!('missing' in ground)) await rm(ground.directory, { recursive: true, force: true })
})

/** What the producer's doctor says of its source, as the bundle that hosts get. */
async function gpuSource(
  { directory, bundle }: Ground,
  environment: Record<string, string>,
): Promise<{ ok: boolean; detail: string }> {
  const { stdout } = await startProgram(bundle, {
    words: ['doctor', '--json'],
    environment: { KAFKA_BOOTSTRAP: '127.0.0.1:9', HOSTNAME: 'gpu-1', PATH: directory, ...environment },
    log: join(directory, 'log'),
  }).ended
  const { findings } = JSON.parse(stdout)
  return findings.find(({ check }: { check: string }) => check.startsWith('gpu source'))
}

/** A test that is skipped where it cannot be made. */
const gpuTest = (title: string, body: (t: ExecutionContext, ground: Ground) => Promise<void>) =>
  'missing' in ground
    ? test.serial.skip(`${title} (${ground.missing})`, (t) => t.pass())
    : test.serial(title, (t) => body(t, ground))

gpuTest('nvml gives every GPU with its index and name', async (t, ground) => {
  const { library, binding } = ground
  const found = await gpuSource(ground, {
    GPU_METRICS_SOURCE: 'nvml',
    NVML_BINDING: binding,
    NVML_LIBRARY: library,
    STANDIN_GPUS: '3',
  })

  t.deepEqual(found, {
    check: 'gpu source nvml',
    ok: true,
    detail: 'nvml: gpu-1#0 NVIDIA Stand-in 0, gpu-1#1 NVIDIA Stand-in 1, gpu-1#2 NVIDIA Stand-in 2',
  } as never)
})

gpuTest('a GPU that is lost, or divided by MIG, does not take the others with it', async (t, ground) => {
  const { library, binding } = ground
  const found = await gpuSource(ground, {
    GPU_METRICS_SOURCE: 'nvml',
    NVML_BINDING: binding,
    NVML_LIBRARY: library,
    STANDIN_GPUS: '3',
    STANDIN_LOST: '0',
    STANDIN_MIG: '1',
  })

  t.is(found.detail, 'nvml: gpu-1#1 NVIDIA Stand-in 1, gpu-1#2 NVIDIA Stand-in 2')
})

gpuTest(
  'nvml without a driver, a library, a GPU or its binding says which, and what to do',
  async (t, ground) => {
    const { library: NVML_LIBRARY, binding: NVML_BINDING } = ground
    const said = async (environment: Record<string, string>) => {
      const { ok, detail } = await gpuSource(ground, {
        GPU_METRICS_SOURCE: 'nvml',
        NVML_LIBRARY,
        NVML_BINDING,
        ...environment,
      })
      t.false(ok)
      t.regex(detail, /; .*GPU_METRICS_SOURCE/)
      return detail
    }

    t.regex(await said({ STANDIN_INIT: '9' }), /nvmlInit_v2: Driver Not Loaded \(code 9\)/)
    t.regex(await said({ NVML_LIBRARY: 'libnot-there.so.1' }), /libnot-there\.so\.1/)
    t.regex(await said({ STANDIN_GPUS: '0' }), /names no GPU/)
    t.regex(await said({ STANDIN_GPUS: '1', STANDIN_LOST: '0' }), /GPU is lost \(code 15\)/)
    t.regex(await said({ NVML_BINDING: '' }), /NVML_BINDING/)
    t.regex(await said({ NVML_BINDING: '/not/there.node' }), /not\/there\.node/)
  },
)

gpuTest('auto takes nvml, else nvidia-smi, else the seed, and says which and why', async (t, ground) => {
  const { directory, library: NVML_LIBRARY, binding: NVML_BINDING } = ground
  const auto = (environment: Record<string, string>) =>
    gpuSource(ground, { GPU_METRICS_SOURCE: 'auto', NVML_BINDING, NVML_LIBRARY, ...environment })
  const tool = join(directory, 'tool')
  await mkdir(tool, { recursive: true })
  await writeFile(join(tool, 'nvidia-smi'), '#!/bin/sh\necho "0, NVIDIA A2, 12, 100, 15356, 20.1"\n')
  await chmod(join(tool, 'nvidia-smi'), 0o755)

  const best = await auto({ PATH: tool })
  const second = await auto({ PATH: tool, STANDIN_INIT: '9' })
  const last = await auto({ STANDIN_INIT: '9' })

  t.regex(best.detail, /^nvml, chosen by auto: gpu-1#0 NVIDIA Stand-in 0/)
  t.regex(
    second.detail,
    /^nvidia-smi, chosen by auto \(nvml is not available .*Driver Not Loaded.*\): gpu-1#0 NVIDIA A2/,
  )
  t.regex(last.detail, /^seed \(built in\), chosen by auto \(nvml .*; nvidia-smi .*\): gpu-1#0 RTX 3090/)
})

gpuTest('what NVML measures is what a reading says', async (t, { library, binding }) => {
  const { nvmlSource } = await import('../../../runtime/producer/nvml.ts')
  process.env.STANDIN_GPUS = '1'

  const [gpu] = await nvmlSource({ host: 'gpu-1', price: 3.2, binding, library }).read()

  t.deepEqual(gpu, {
    host: 'gpu-1',
    gpu_index: 0,
    name: 'NVIDIA Stand-in 0',
    utilization: 0.4,
    mem_used_mb: 5000,
    mem_total_mb: 40_960,
    power_w: 210.52,
    price_per_hour_usd: 3.2,
  })
})
