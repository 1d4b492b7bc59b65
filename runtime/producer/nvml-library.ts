import { createRequire } from 'node:module'
import { reasonOf } from '../reason.ts'

/** The part of koffi that is used: its native file without the package around it. */
interface Koffi {
  load(library: string): Library
}

interface Library {
  func(declaration: string): (...values: (number | bigint | Buffer)[]) => number | string
}

/** Return codes of nvml.h. */
export const nvmlCodes = { success: 0, notSupported: 3, noPermission: 4, gpuIsLost: 15 } as const

/** NVML says no: to what, and why. */
export class NvmlError extends Error {
  override readonly name = 'NvmlError'
  readonly code: number

  constructor(call: string, code: number, why: string) {
    super(`${call}: ${why} (code ${code})`)
    this.code = code
  }
}

/** A GPU as NVML hands it out. */
export type NvmlDevice = bigint

/** The linker's own words do not name what it looked for. */
function opened(koffi: Koffi, library: string): Library {
  try {
    return koffi.load(library)
  } catch (error) {
    throw new Error(`${library}: ${reasonOf(error)}`, { cause: error })
  }
}

/** NVML's calls that a sample needs. Each throws `NvmlError`. */
export interface NvmlLibrary {
  count(): number
  device(index: number): NvmlDevice
  name(device: NvmlDevice): string
  /** In percent. */
  utilization(device: NvmlDevice): number
  /** In bytes. */
  memory(device: NvmlDevice): { total: number; used: number }
  /** In watts. */
  power(device: NvmlDevice): number
}

/** NVML_DEVICE_NAME_V2_BUFFER_SIZE. */
const nameBytes = 96

/**
 * Loads NVML and begins its use, which lasts as long as the process.
 *
 * @param binding the native file of koffi
 * @param library what the dynamic linker finds NVML by
 */
export function loadNvml({ binding, library }: { binding: string; library: string }): NvmlLibrary {
  // The bundle is CommonJS, the source is not: only this works in both.
  const koffi: Koffi = createRequire(binding)(binding)
  const nvml = opened(koffi, library)
  const errorString = nvml.func('const char *nvmlErrorString(int)')
  const call = (name: string, parameters: string) => {
    const called = nvml.func(`int ${name}(${parameters})`)
    return (...values: (number | bigint | Buffer)[]) => {
      const code = Number(called(...values))
      if (code !== nvmlCodes.success) throw new NvmlError(name, code, String(errorString(code)))
    }
  }
  const [getCount, getDevice, getName, getUtilization, getMemory, getPower] = [
    call('nvmlDeviceGetCount_v2', 'void *'),
    call('nvmlDeviceGetHandleByIndex_v2', 'unsigned int, void *'),
    call('nvmlDeviceGetName', 'uintptr_t, void *, unsigned int'),
    call('nvmlDeviceGetUtilizationRates', 'uintptr_t, void *'),
    call('nvmlDeviceGetMemoryInfo', 'uintptr_t, void *'),
    call('nvmlDeviceGetPowerUsage', 'uintptr_t, void *'),
  ]
  call('nvmlInit_v2', '')()
  const filled = (bytes: number, fill: (answer: Buffer) => void): Buffer => {
    const answer = Buffer.alloc(bytes)
    fill(answer)
    return answer
  }
  return {
    count: () => filled(4, (answer) => getCount(answer)).readUInt32LE(),
    device: (index) => filled(8, (answer) => getDevice(index, answer)).readBigUInt64LE(),
    name(device) {
      const text = filled(nameBytes, (answer) => getName(device, answer, nameBytes)).toString('utf8')
      return text.slice(0, text.indexOf('\0'))
    },
    utilization: (device) => filled(8, (answer) => getUtilization(device, answer)).readUInt32LE(),
    memory(device) {
      const answer = filled(24, (bytes) => getMemory(device, bytes))
      return { total: Number(answer.readBigUInt64LE(0)), used: Number(answer.readBigUInt64LE(16)) }
    },
    power: (device) => filled(4, (answer) => getPower(device, answer)).readUInt32LE() / 1000,
  }
}
