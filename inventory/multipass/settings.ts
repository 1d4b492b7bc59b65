import { join } from 'node:path'
import * as v from 'valibot'
import { readConfiguration } from '../../engine/cli/configuration.ts'
import { AccountName, Cidr, Name, parseWith } from '../../engine/schemas.ts'
import { pipelineHosts, projectPrefix } from '../own-machines.ts'

/** Names of instances are host names: letters, digits and hyphens, the first one a letter. */
const Prefix = v.pipe(
  v.string(),
  v.regex(
    /^[a-zA-Z]([a-zA-Z0-9-]{0,30}[a-zA-Z0-9])?$/,
    'should be letters, digits and "-", begin with a letter and not end with "-"',
  ),
)
const HostName = v.pipe(
  v.string(),
  v.regex(
    /^[a-zA-Z0-9]([a-zA-Z0-9-]{0,28}[a-zA-Z0-9])?$/,
    'should be letters, digits and "-": it becomes part of the name of an instance',
  ),
)
const Size = v.pipe(v.string(), v.regex(/^[1-9]\d*(\.\d+)?[KMG]$/, 'should be a size such as 2G or 1536M'))
const Image = v.pipe(
  v.string(),
  v.regex(/^[a-zA-Z0-9][\w.:/+~%-]*$/, 'should be an image such as 24.04, daily:24.04 or file:///path.img'),
)
const Cpus = v.pipe(v.number(), v.integer(), v.minValue(1, 'should be at least 1'), v.maxValue(256))

const HostSection = v.strictObject({
  role: Name,
  image: v.optional(Image),
  cpus: v.optional(Cpus),
  memory: v.optional(Size),
  disk: v.optional(Size),
})

/** The section `multipass` of `sluice.config.json`. */
const Section = v.strictObject({
  /** What the names of instances begin with. Left out: one that no other project on this machine has. */
  prefix: v.optional(Prefix),
  /** The account that we log in as; it is made there. */
  user: v.optional(AccountName, 'sluice'),
  image: v.optional(Image, '24.04'),
  cpus: v.optional(Cpus, 2),
  memory: v.optional(Size, '2G'),
  disk: v.optional(Size, '10G'),
  /** Networks that may log in. Left out: this machine's address as the instances see it. */
  admin: v.optional(v.pipe(v.array(Cidr), v.minLength(1, 'should name at least one network'))),
  hosts: v.optional(
    v.pipe(v.record(HostName, HostSection), v.minEntries(1, 'should have at least one host')),
    pipelineHosts,
  ),
})

/** How big an instance is, and what it is made from. */
export const Make = v.strictObject({
  image: v.string(),
  cpus: v.number(),
  memory: v.string(),
  disk: v.string(),
})
export type Make = v.InferOutput<typeof Make>

export interface DeclaredHost {
  name: string
  role: string
  /** What its instance is called, where there is none on record yet. */
  instance: string
  make: Make
}

export interface MultipassSettings {
  user: string
  admin?: string[] | undefined
  hosts: DeclaredHost[]
}

/** What is typed for one command instead of the settings. */
export interface MultipassWishes {
  image?: string
  disk?: string
}

/**
 * The settings of the multipass inventory: the section `multipass` of the project's configuration, then defaults.
 *
 * @throws SluiceError USAGE when one is not as it should be
 */
export function multipassSettings(projectDirectory: string, wishes: MultipassWishes = {}): MultipassSettings {
  const configured = readConfiguration(projectDirectory).multipass ?? {}
  const merged = v.is(v.record(v.string(), v.unknown()), configured)
    ? { ...configured, ...wishes }
    : configured
  const section = parseWith(Section, merged, {
    code: 'USAGE',
    place: `${join(projectDirectory, 'sluice.config.json')} > multipass`,
    advice: 'correct the section multipass of sluice.config.json; docs/multipass.md shows all of it',
  })
  const { user, admin, image, cpus, memory, disk } = section
  const prefix = section.prefix ?? projectPrefix(projectDirectory)
  const hosts = Object.entries(section.hosts).map(([name, { role, ...own }]) => ({
    name,
    role,
    instance: `${prefix}-${name}`,
    make: {
      image: own.image ?? image,
      cpus: own.cpus ?? cpus,
      memory: own.memory ?? memory,
      disk: own.disk ?? disk,
    },
  }))
  return { user, admin, hosts }
}
