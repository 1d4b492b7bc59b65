import { isIPv4 } from 'node:net'
import * as v from 'valibot'
import { Cidr, Name } from '../../../engine/schemas.ts'
import { ImageWish } from './image-wish.ts'

const Text = v.pipe(v.string(), v.nonEmpty('should not be empty'))

export const InstanceType = v.pipe(
  v.string(),
  v.regex(/^[a-z0-9-]+\.[a-z0-9-]+$/, 'should be a type of instance such as t3.small'),
)
const Network = v.pipe(
  Cidr,
  v.check((text) => {
    const [address = '', length = ''] = text.split('/')
    return isIPv4(address) && Number(length) >= 16 && Number(length) <= 28
  }, 'should be an IPv4 network between /16 and /28'),
)
const DiskGb = v.pipe(v.number(), v.integer(), v.minValue(8, 'should be at least 8'), v.maxValue(16_384))
const Price = v.pipe(v.number(), v.minValue(0))

const HostSection = v.strictObject({
  role: Name,
  /** Left out: .10 for the first one, .11 for the next and so on. */
  address: v.optional(v.pipe(v.string(), v.ipv4('should be an IPv4 address of the subnet'))),
  type: v.optional(InstanceType),
  image: v.optional(ImageWish),
  diskGb: v.optional(DiskGb),
  /** USD, instead of the price of its type. */
  pricePerHour: v.optional(Price),
})

/** The section `aws.up` of `sluice.config.json`: what `sluice up` makes. */
export const UpSection = v.strictObject({
  /** Left out: the only one of `aws.regions`. */
  region: v.optional(Text),
  /** Left out: AWS chooses. */
  zone: v.optional(Text),
  network: v.optional(Network, '10.0.0.0/16'),
  subnet: v.optional(Network, '10.0.1.0/24'),
  /** Networks that people and this machine come from. */
  admin: v.optional(v.pipe(v.array(Cidr), v.minLength(1, 'should name at least one network'))),
  /** A file. Left out: the one beside `aws.identityFile`, else ~/.ssh/id_ed25519.pub or id_rsa.pub. */
  publicKey: v.optional(Text),
  image: v.optional(ImageWish, 'debian-12'),
  type: v.optional(InstanceType, 't3.small'),
  diskGb: v.optional(DiskGb, 16),
  hosts: v.optional(v.pipe(v.record(Name, HostSection), v.minEntries(1, 'should have at least one host')), {
    vm1: { role: 'kafka' },
    vm2: { role: 'mongodb' },
    vm3: { role: 'processor' },
    vm4: { role: 'producers' },
  }),
})
export type UpSection = v.InferOutput<typeof UpSection>

/** Prices that are not those of the table: USD an hour by type of instance, and for what else costs. */
export const PricesSection = v.strictObject({
  instanceHour: v.optional(v.record(InstanceType, Price), {}),
  diskGbMonth: v.optional(Price),
  publicAddressHour: v.optional(Price),
})
export type PricesSection = v.InferOutput<typeof PricesSection>
