import { isIPv4 } from 'node:net'
import { join } from 'node:path'
import * as v from 'valibot'
import { readConfiguration } from '../../engine/cli/configuration.ts'
import { Cidr, Name, parseWith } from '../../engine/schemas.ts'
import { pipelineHosts, projectPrefix } from '../own-machines.ts'

const HostName = v.pipe(
  v.string(),
  v.regex(
    /^[a-zA-Z0-9]([a-zA-Z0-9-]{0,28}[a-zA-Z0-9])?$/,
    'should be letters, digits and "-": it becomes the host name of a machine',
  ),
)
const Box = v.pipe(
  v.string(),
  v.regex(/^[a-zA-Z0-9][\w./:+~-]*$/, 'should be the name of a box such as debian/bookworm64'),
)
const Version = v.pipe(
  v.string(),
  v.regex(/^[\w<>=~., +-]+$/, 'should be a version of a box such as 12.20250126.1'),
)
const Cpus = v.pipe(v.number(), v.integer(), v.minValue(1, 'should be at least 1'), v.maxValue(256))
const MemoryMb = v.pipe(v.number(), v.integer(), v.minValue(512, 'should be at least 512'))
const BootSeconds = v.pipe(v.number(), v.integer(), v.minValue(60, 'should be at least 60'))
const Address = v.pipe(v.string(), v.ipv4('should be an IPv4 address of the network'))
const Network = v.pipe(
  v.string(),
  v.check((text) => {
    const [, start] = /^(.+)\.0\/24$/.exec(text) ?? []
    return start !== undefined && isIPv4(`${start}.1`)
  }, 'should be a /24 such as 192.168.56.0/24'),
)

const HostSection = v.strictObject({
  role: Name,
  /** Left out: .10 for the first one, .11 for the next and so on. */
  address: v.optional(Address),
  box: v.optional(Box),
  boxVersion: v.optional(Version),
  cpus: v.optional(Cpus),
  memoryMb: v.optional(MemoryMb),
})

/** The section `vagrant` of `sluice.config.json`. */
const Section = v.strictObject({
  /** Left out: libvirt on Linux, VirtualBox elsewhere. */
  provider: v.optional(v.picklist(['libvirt', 'virtualbox'])),
  /** What the names of machines begin with in the hypervisor. Left out: what no other project here has. */
  prefix: v.optional(HostName),
  box: v.optional(Box, 'debian/bookworm64'),
  boxVersion: v.optional(Version),
  cpus: v.optional(Cpus, 2),
  memoryMb: v.optional(MemoryMb, 2048),
  /** Where the hosts reach one another. VirtualBox takes 192.168.56.0/21 when nobody told it otherwise. */
  network: v.optional(Network, '192.168.56.0/24'),
  /** With libvirt: `qemu` where this machine has no KVM. */
  driver: v.optional(v.picklist(['kvm', 'qemu'])),
  /** How long Vagrant waits for a machine to start. Left out: what Vagrant has, 5 minutes; with `qemu` 20. */
  bootSeconds: v.optional(BootSeconds),
  /** Networks that may log in. Left out: this machine's addresses as the machines see it. */
  admin: v.optional(v.pipe(v.array(Cidr), v.minLength(1, 'should name at least one network'))),
  hosts: v.optional(
    v.pipe(v.record(HostName, HostSection), v.minEntries(1, 'should have at least one host')),
    pipelineHosts,
  ),
})

/** One machine as our Vagrantfile reads it. */
export const Machine = v.strictObject({
  /** What the hypervisor calls it. */
  title: v.string(),
  provider: v.picklist(['libvirt', 'virtualbox']),
  box: Box,
  boxVersion: v.optional(Version),
  cpus: Cpus,
  memoryMb: MemoryMb,
  address: Address,
  driver: v.optional(v.string()),
  /** Only for Vagrant's wait: no property of the machine. */
  bootSeconds: v.optional(BootSeconds),
})
export type Machine = v.InferOutput<typeof Machine>

export const Machines = v.record(HostName, Machine)
export type Machines = v.InferOutput<typeof Machines>

export interface VagrantSettings {
  admin?: string[] | undefined
  provider: Machine['provider']
  /** Groups by the name of the host. */
  roles: Record<string, string>
  machines: Machines
}

/**
 * The settings of the vagrant inventory: the section `vagrant` of the project's configuration, then defaults.
 *
 * @throws SluiceError USAGE when one is not as it should be
 */
export function vagrantSettings(projectDirectory: string, wishes: { box?: string } = {}): VagrantSettings {
  const configured = readConfiguration(projectDirectory).vagrant ?? {}
  const merged = v.is(v.record(v.string(), v.unknown()), configured)
    ? { ...configured, ...wishes }
    : configured
  const place = `${join(projectDirectory, 'sluice.config.json')} > vagrant`
  const advice = 'correct the section vagrant of sluice.config.json; docs/vagrant.md shows all of it'
  const { hosts, admin, ...section } = parseWith(Section, merged, { code: 'USAGE', place, advice })
  const provider = section.provider ?? (process.platform === 'linux' ? 'libvirt' : 'virtualbox')
  const prefix = section.prefix ?? projectPrefix(projectDirectory)
  const start = section.network.replace(/\.0\/24$/, '')
  const bootSeconds =
    section.bootSeconds ?? (provider === 'libvirt' && section.driver === 'qemu' ? 1200 : undefined)
  const machines = Object.entries(hosts).map(([name, host], index): [string, Machine] => {
    const boxVersion = host.boxVersion ?? section.boxVersion
    return [
      name,
      {
        title: `${prefix}-${name}`,
        provider,
        box: host.box ?? section.box,
        ...(boxVersion !== undefined && { boxVersion }),
        cpus: host.cpus ?? section.cpus,
        memoryMb: host.memoryMb ?? section.memoryMb,
        address: host.address ?? `${start}.${10 + index}`,
        ...(provider === 'libvirt' && section.driver !== undefined && { driver: section.driver }),
        ...(bootSeconds !== undefined && { bootSeconds }),
      },
    ]
  })
  const OwnAddresses = v.pipe(
    v.array(v.pipe(v.string(), v.startsWith(`${start}.`, `should be in ${section.network}`))),
    v.checkItems((address, at, all) => all.indexOf(address) === at, 'should be no other host’s'),
  )
  parseWith(
    OwnAddresses,
    machines.map(([, { address }]) => address),
    { code: 'USAGE', place, advice },
  )
  return {
    admin,
    provider,
    roles: Object.fromEntries(Object.entries(hosts).map(([name, { role }]) => [name, role])),
    machines: Object.fromEntries(machines),
  }
}
