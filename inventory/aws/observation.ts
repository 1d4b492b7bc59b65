import * as v from 'valibot'

/** One network interface of an instance. */
const NetworkInterface = v.strictObject({
  id: v.string(),
  /** Private ones of IPv4, the main one first, then those of IPv6. */
  addresses: v.array(v.string()),
  securityGroups: v.array(v.string()),
})

export const Instance = v.strictObject({
  id: v.string(),
  region: v.string(),
  state: v.string(),
  image: v.string(),
  type: v.string(),
  zone: v.string(),
  /** The VPC that it is in. */
  network: v.optional(v.string()),
  tags: v.record(v.string(), v.string()),
  publicAddress: v.optional(v.string()),
  interfaces: v.array(NetworkInterface),
})
export type Instance = v.InferOutput<typeof Instance>

/** What a security group lets in. */
export const IngressRule = v.strictObject({
  /** `tcp`, `udp`, `icmp`, `icmpv6`, a number, or `-1` for everything. */
  protocol: v.string(),
  /** For ICMP the type; left out where every port is meant. */
  fromPort: v.optional(v.number()),
  toPort: v.optional(v.number()),
  networks: v.array(v.string()),
  prefixLists: v.array(v.string()),
  /** Security groups, with the account they belong to where that is said. */
  groups: v.array(v.strictObject({ id: v.string(), account: v.optional(v.string()) })),
})
export type IngressRule = v.InferOutput<typeof IngressRule>

export const SecurityGroup = v.strictObject({
  id: v.string(),
  name: v.string(),
  account: v.string(),
  ingress: v.array(IngressRule),
})
export type SecurityGroup = v.InferOutput<typeof SecurityGroup>

/** What AWS said, all regions together; identifiers are unique among them. */
export const Observation = v.strictObject({
  regions: v.array(v.string()),
  /** Those with the tags that are looked for, whatever their state. */
  instances: v.array(Instance),
  /** What the instances of the regions say under these tags, where none matches: to show what was there. */
  seen: v.array(v.string()),
  /** Those of the instances, and those that their rules name. */
  securityGroups: v.array(SecurityGroup),
  /** The private addresses that are in a security group now, of hosts and of anything else. */
  members: v.record(v.string(), v.array(v.string())),
  prefixLists: v.record(v.string(), v.array(v.string())),
  /** Names of images, by identifier. */
  images: v.record(v.string(), v.string()),
})
export type Observation = v.InferOutput<typeof Observation>
