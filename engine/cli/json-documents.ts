import * as v from 'valibot'
import { protocols } from '../policy.ts'
import { Count, JsonError } from '../report/json-schema.ts'

/** What the commands print with `--json` that are no runs: one document of these forms a line. */

const text = (meaning: string) => v.pipe(v.string(), v.description(meaning))
const maybe = (meaning: string) => v.pipe(v.optional(v.string()), v.description(meaning))
const rate = (meaning: string) => v.pipe(v.number(), v.description(meaning))
const Hourly = v.pipe(v.optional(v.number()), v.description('left out where no price is known'))

export const DoctorDocument = v.strictObject({
  type: v.literal('doctor-finding'),
  subject: text('what was looked at: a program, a part of this machine, a host'),
  state: v.picklist(['ok', 'problem']),
  found: v.string(),
  advice: maybe('what to do about a problem'),
})

export const LabDocument = v.strictObject({
  type: v.literal('lab-host'),
  name: v.string(),
  address: maybe('left out until the lab has its network'),
  state: v.picklist(['running', 'stopped', 'missing']),
  memoryMb: v.optional(Count),
  uptimeSeconds: v.optional(Count),
})

const host = {
  name: v.string(),
  address: text('where SSH answers, as seen from this machine'),
  port: v.number(),
  user: v.string(),
  identityFile: maybe('a private key file of this machine'),
  hostKeys: v.pipe(v.array(v.string()), v.description('`type base64`; empty: see the known-hosts file')),
  privateAddresses: v.array(v.string()),
  groups: v.array(v.string()),
  variables: v.pipe(v.record(v.string(), v.unknown()), v.description('by role; secrets are ***')),
  transport: v.optional(v.picklist(['auto', 'node-ssh', 'openssh'])),
}
export interface ListedHost extends v.InferOutput<v.StrictObjectSchema<typeof host, undefined>> {
  jump?: ListedHost | undefined
}
const ListedHost: v.GenericSchema<ListedHost> = v.strictObject({
  ...host,
  jump: v.pipe(
    v.optional(v.lazy(() => ListedHost)),
    v.description('the host through which alone this one can be reached, in the same form'),
  ),
})

const ListedRule = v.strictObject({
  from: v.pipe(v.array(v.string()), v.description('groups, admin or networks')),
  to: text('a group, or all'),
  protocol: v.picklist(protocols),
  port: v.pipe(v.optional(v.union([v.number(), v.string()])), v.description('a port, or a range 8000:8100')),
  type: maybe('of ICMP: a type, or a type and a code'),
  at: maybe('where the rule is written'),
})

const Values = v.record(v.string(), v.unknown())
const InventoryShown = v.strictObject({
  type: v.literal('inventory'),
  name: text('as typed after --inventory'),
  hosts: v.array(ListedHost),
  noun: maybe('what one of the hosts is, where it is no host'),
  variables: v.pipe(Values, v.description('of all hosts, by role')),
  groupVariables: v.pipe(v.record(v.string(), Values), v.description('by group, then by role')),
  policy: v.strictObject({
    admin: v.pipe(v.array(v.string()), v.description('networks that people and this machine come from')),
    rules: v.array(ListedRule),
    places: v.pipe(
      v.optional(
        v.strictObject({
          groups: v.optional(v.record(v.string(), v.string())),
          rules: v.optional(v.string()),
          admin: v.optional(v.string()),
        }),
      ),
      v.description('where a rule would be written that is not there yet'),
    ),
  }),
})

export const InventoryDocument = v.variant('type', [
  v.strictObject({
    type: v.literal('inventory-listed'),
    name: v.string(),
    summary: v.string(),
    default: v.pipe(v.boolean(), v.description('whether it is taken without --inventory')),
  }),
  InventoryShown,
  v.strictObject({
    type: v.literal('inventory-edge'),
    from: text('a group, a network, or admin'),
    to: text('a group, or all'),
    ports: v.pipe(v.array(v.string()), v.description('`9092/tcp`, `8000-8003/tcp`, `all traffic`')),
  }),
])

export const FirewallDocument = v.variant('type', [
  v.strictObject({
    type: v.literal('firewall-host'),
    host: v.string(),
    rules: v.pipe(Count, v.description('how many the policy has for it')),
    differences: v.array(
      v.strictObject({
        kind: v.pipe(
          v.picklist(['missing', 'surplus', 'setting']),
          v.description('missing: the policy has it and the host has not; surplus: the other way round'),
        ),
        what: v.string(),
        why: text('of a rule, who it is from and for, and where it is written; else what is wrong'),
      }),
    ),
    error: v.pipe(v.optional(JsonError), v.description('why it was not compared')),
  }),
  v.strictObject({
    type: v.literal('firewall-finding'),
    finding: text('a rule of the policy that lets in more than is needed'),
  }),
  v.strictObject({
    type: v.literal('firewall-ended'),
    status: v.picklist(['converged', 'differs', 'failed']),
    hosts: Count,
    missing: Count,
    surplus: Count,
    settings: Count,
  }),
])

const costTable = {
  title: v.string(),
  items: v.array(v.strictObject({ name: v.string(), role: v.string(), what: v.string(), hourly: Hourly })),
  hourly: v.number(),
  monthly: v.number(),
  complete: v.pipe(v.boolean(), v.description('whether the price of everything is known')),
}
export const CostDocument = v.strictObject({
  type: v.literal('cost'),
  currency: v.string(),
  source: text('where the prices come from, and from when they are'),
  plan: v.optional(v.strictObject(costTable)),
  notPlanned: maybe('why there is no plan'),
  running: v.optional(v.strictObject({ ...costTable, regions: v.array(v.strictObject(costTable)) })),
  notAsked: maybe('why what runs, or a part of it, is not known'),
  examples: v.array(v.strictObject(costTable)),
})

export const CapacityDocument = v.strictObject({
  type: v.literal('capacity'),
  measured: v.strictObject({
    seconds: v.number(),
    arriving: rate('messages a second that were written to the topics: P'),
    processed: rate('messages a second that were stored or sent to the dead letters'),
    lag: rate('messages that wait, at the end'),
    partitions: Count,
    processors: Count,
    cpuSeconds: v.pipe(v.array(v.number()), v.description('of each processor')),
    writeSeconds: rate('time of bulk inserts, several at once counted several times'),
    inserted: rate('documents that processors inserted'),
    writes: rate('documents that MongoDB inserted, changed and deleted'),
    writeP95: v.pipe(v.optional(v.number()), v.description('seconds; left out where nothing was written')),
  }),
  processors: v.strictObject({
    needed: rate('C = ceil(P · t_proc · S)'),
    running: Count,
    most: rate('more than this have no partition to read'),
    secondsPerMessage: rate('t_proc'),
    cpuPerMessage: v.number(),
    writingPerMessage: v.number(),
    safety: rate('S'),
    busiest: rate('share of a core'),
    lagLimit: rate('P · 120 s: more than this, and one should scale out'),
  }),
  database: v.strictObject({
    writesPerMessage: rate('w'),
    demanded: rate('P · w'),
    sustained: v.pipe(v.optional(v.number()), v.description('W; left out where it is not known')),
    estimated: v.pipe(v.boolean(), v.description('whether W is taken from how long bulk inserts took')),
    headroom: rate('H'),
    enough: v.optional(v.boolean()),
  }),
  advice: v.pipe(
    v.array(
      v.strictObject({
        what: v.picklist(['scale out', 'scale in', 'more partitions', 'database']),
        why: v.string(),
      }),
    ),
    v.description('what should be changed; empty where all is well'),
  ),
})

export const DeadLetterDocument = v.variant('type', [
  v.strictObject({
    type: v.literal('letter'),
    letter: text('partition:offset in the topic of dead letters: its name'),
    at: text('when it was put there'),
    from: v.pipe(
      v.optional(v.strictObject({ topic: v.string(), partition: v.number(), offset: v.number() })),
      v.description('where the message lay; left out where somebody else put it there'),
    ),
    origin: maybe('topic:partition:offset of where it lay at first, before any replay'),
    reason: v.string(),
    bytes: Count,
    missing: maybe('what of the message the letter does not have, where it was too long for one'),
    replays: v.pipe(Count, v.description('how often it had been replayed before it became this letter')),
    replayed: v.pipe(
      v.optional(v.strictObject({ to: v.string(), at: v.string() })),
      v.description('where it was sent by a replay since, and when'),
    ),
    headers: v.pipe(
      v.optional(v.record(v.string(), v.string())),
      v.description('of the message; dlq show only'),
    ),
    base64: v.pipe(
      v.optional(v.strictObject({ key: v.nullable(v.string()), value: v.nullable(v.string()) })),
      v.description('the message itself; dlq show only'),
    ),
  }),
  v.strictObject({
    type: v.literal('replayed'),
    letter: v.string(),
    to: maybe('topic:partition:offset of where it lies now'),
    failure: maybe('why it was not sent'),
  }),
])

/** What commands print that are no runs and no checks. */
export const CommandDocument = v.variant('type', [
  ...FirewallDocument.options,
  ...InventoryDocument.options,
  ...DeadLetterDocument.options,
  CapacityDocument,
  CostDocument,
  DoctorDocument,
  LabDocument,
])
export type CommandDocument = v.InferOutput<typeof CommandDocument>
