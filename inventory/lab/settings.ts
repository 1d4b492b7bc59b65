import { createHash } from 'node:crypto'
import { realpathSync } from 'node:fs'
import { isIPv4, isIPv6 } from 'node:net'
import { join } from 'node:path'
import * as v from 'valibot'
import { mostLabHosts } from '../../engine/cli/lab-controls.ts'
import { AbsolutePath, parseWith } from '../../engine/schemas.ts'

/** The directory of the labs that say no other. */
export const defaultParent = '/var/lib/sluice-lab'

const wholeNumber = (least: number, most: number) =>
  v.pipe(
    v.string(),
    v.regex(/^\d{1,7}$/, 'should be a whole number'),
    v.transform(Number),
    v.minValue(least, `should be at least ${least}`),
    v.maxValue(most, `should be at most ${most}`),
  )

const network4 = v.check((text: string) => {
  const match = /^(.+)\.0\/24$/.exec(text)
  return match !== null && isIPv4(`${match[1]}.1`)
}, 'should be a /24 such as 10.77.0.0/24')

const network6 = v.check((text: string) => {
  const match = /^([0-9a-f:]+)::\/64$/.exec(text)
  return match !== null && isIPv6(`${match[1]}::1`) && !`${match[1]}`.includes('::')
}, 'should be a /64 such as fd77::/64')

/** In mount options `,`, `:` and `\\` part one path from the next. */
const LabPath = v.pipe(AbsolutePath, v.regex(/^[^,:\\]+$/, 'should have no ",", ":" or "\\" in it'))

/** The environment names that a lab reads; `docs/` shows them to users. */
export const LabEnvironment = v.object({
  /** What sets this lab apart from others on the machine: 1 to 6 lower-case letters or digits. */
  SLUICE_LAB_NAME: v.optional(
    v.pipe(v.string(), v.regex(/^[a-z0-9]{1,6}$/, 'should be 1 to 6 lower-case letters or digits')),
  ),
  /** Where the hosts' files are. */
  SLUICE_LAB_DIRECTORY: v.optional(LabPath),
  /** Where the base image, which all labs of the machine share, is kept. */
  SLUICE_LAB_CACHE: v.optional(LabPath, '/var/cache/sluice-lab'),
  /** The IPv4 network; the first free one of 10.77.N.0/24 otherwise. */
  SLUICE_LAB_NETWORK: v.optional(v.pipe(v.string(), network4)),
  /** The IPv6 network; the first free one of fd77:0:0:N::/64 otherwise. */
  SLUICE_LAB_NETWORK6: v.optional(v.pipe(v.string(), network6)),
  /** How many hosts there should be. */
  SLUICE_LAB_COUNT: v.optional(wholeNumber(1, mostLabHosts), '4'),
  /** The Debian or Ubuntu release of the hosts; the machine's own otherwise. */
  SLUICE_LAB_SUITE: v.optional(
    v.pipe(v.string(), v.regex(/^[a-z]+$/, 'should be the name of a release, such as bookworm')),
  ),
  /** A file of apt sources for the hosts, as sources.list.d has them; the machine's own otherwise. */
  SLUICE_LAB_SOURCES: v.optional(LabPath),
  /** How much memory a whole host may use, in MiB; no limit otherwise. */
  SLUICE_LAB_MEMORY_MB: v.optional(wholeNumber(256, 1_048_576)),
})

/** How a lab is to be. What is `undefined` is decided when the lab is made. */
export interface LabSettings {
  /** In the names of everything that the lab makes on this machine: bridge, nft table, cgroup, machines. */
  name: string
  directory: string
  cache: string
  count: number
  network?: string | undefined
  network6?: string | undefined
  suite?: string | undefined
  sources?: string | undefined
  memoryLimitMb?: number | undefined
}

/**
 * The settings of a project's lab: from the environment, with defaults that keep two projects on one machine apart.
 *
 * @throws SluiceError USAGE when a variable is not as it should be
 */
export function labSettings(
  projectDirectory: string,
  environment: Record<string, string | undefined> = process.env,
): LabSettings {
  const set = Object.entries(environment).filter(
    ([name, value]) => name in LabEnvironment.entries && value !== '',
  )
  const chosen = parseWith(LabEnvironment, Object.fromEntries(set), {
    code: 'USAGE',
    place: 'environment',
    advice: 'correct the variable, or unset it to have the default',
  })
  const name = chosen.SLUICE_LAB_NAME ?? shortHash(realpathSync(projectDirectory))
  return {
    name,
    directory: chosen.SLUICE_LAB_DIRECTORY ?? join(defaultParent, name),
    cache: chosen.SLUICE_LAB_CACHE,
    count: chosen.SLUICE_LAB_COUNT,
    network: chosen.SLUICE_LAB_NETWORK,
    network6: chosen.SLUICE_LAB_NETWORK6,
    suite: chosen.SLUICE_LAB_SUITE,
    sources: chosen.SLUICE_LAB_SOURCES,
    memoryLimitMb: chosen.SLUICE_LAB_MEMORY_MB,
  }
}

function shortHash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 6)
}
