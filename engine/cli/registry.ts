import type { Host, Inventory, InventoryProgress, InventorySource } from '../inventory.ts'
import type { Playbook } from '../playbook.ts'
import type { InboundRule } from '../policy.ts'
import type { Connection } from '../transport/connection.ts'

/** What a project brings to the command line. Each part is loaded when a command needs it. */
export interface Registry {
  version: string
  playbooks: PlaybookCommand[]
  /** The playbook whose resources `destroy` removes: one name of `playbooks`. */
  destroyed: string
  inventories: InventoryEntry[]
  /** The inventory of last resort. */
  defaultInventory: string
  /** Opens an inventory that is a file. */
  openInventoryFile(path: string): Promise<InventorySource>
  checks: Check[]
  /** For projects whose hosts have a firewall that a policy says. */
  firewall?: FirewallEntry
  lab: { load(): Promise<LabControls> }
  /** Where messages that cannot be stored wait, for a project that has a pipeline. */
  deadLetters?: { load(): Promise<DeadLetterControls> }
  /** What the load of a pipeline takes, likewise. */
  capacity?: { load(): Promise<CapacityControls> }
}

export interface FirewallEntry {
  load(): Promise<FirewallReading>
}

/** What the project's firewall role makes of a policy. */
export interface FirewallReading {
  rulesOf(inventory: Inventory, host: Host): InboundRule[]
  /** Every rule of the policy that lets in more than is needed, as a sentence. */
  findingsOf(inventory: Inventory): string[]
}

/** A playbook that is a command of its own. */
export interface PlaybookCommand {
  name: string
  summary: string
  examples: Example[]
  /** Whether hosts that the inventory can make are made when they are not there. */
  createsHosts: boolean
  load(): Promise<Playbook>
}

export interface Example {
  command: string
  meaning: string
}

export interface InventoryEntry {
  name: string
  summary: string
  load(): Promise<InventorySource>
  /** Where its hosts can be made and removed at a provider, who may ask money for them. */
  cloud?: { load(): Promise<CloudControls>; costs: boolean }
}

/** What is typed for one command instead of the settings. */
export interface CloudWishes {
  admin?: string[]
  publicKey?: string
  image?: string
  type?: string
  diskGb?: number
}

export interface CloudOptions {
  projectDirectory: string
  wishes: CloudWishes
  progress: InventoryProgress
  signal: AbortSignal
}

/** Hosts, and what they need where they are made, as resources: a playbook whose one host is that place. */
export interface CloudRun {
  playbook: Playbook
  inventory: Inventory
  connect(host: Host): Promise<Connection>
}

export interface CloudPlan extends CloudRun {
  /** Left out where nobody asks money. */
  cost?: CostTable
}

export interface CloudRemoval extends CloudRun {
  /** What is removed, in a few words. */
  summary: string
  things: string[]
  /** Looks whether anything is left after the removal, and forgets what was known of the hosts. */
  leftovers(): Promise<string[]>
}

export interface CostItem {
  name: string
  role: string
  what: string
  /** `undefined` where no price is known. */
  hourly: number | undefined
}

export interface CostTable {
  title: string
  items: CostItem[]
  hourly: number
  monthly: number
  /** Whether the price of everything is known. */
  complete: boolean
}

export interface CostReport {
  currency: string
  /** Where the prices come from, and from when they are. */
  source: string
  plan: CostTable
  running?: CostTable
  /** Why what runs was not asked for. */
  notAsked?: string
  examples: CostTable[]
}

/** Hosts that are made and removed on demand. */
export interface CloudControls {
  up(options: CloudOptions): Promise<CloudPlan>
  /** @returns `undefined` when there is nothing that `up` made */
  down(options: CloudOptions): Promise<CloudRemoval | undefined>
  /** For those that cost money. */
  cost?(options: CloudOptions): Promise<CostReport>
}

/** A command that looks at running hosts and judges them, changing nothing that a playbook declares. */
export interface Check {
  name: string
  summary: string
  examples: Example[]
  /** @returns whether everything was as it should be; the reasons are printed by then */
  load(): Promise<(context: CheckContext) => Promise<{ passed: boolean }>>
}

export interface CheckContext {
  inventory: Inventory
  /** Those that `--limit` names. */
  hosts: Host[]
  projectDirectory: string
  connect(host: Host): Promise<Connection>
  /** Whether standard output takes JSON documents, one a line, and nothing else. */
  json: boolean
  verbose: boolean
  /** A line of the result, for standard output. With `json` it goes nowhere. */
  print(line: string): void
  /** A document of the result. Without `json` it goes nowhere. */
  emit(document: object): void
  /** A line about what is being done, for standard error. */
  progress: InventoryProgress
  signal: AbortSignal
}

/** One line of `doctor`. */
export interface Finding {
  subject: string
  state: 'ok' | 'problem'
  found: string
  /** What to do about a problem. */
  advice?: string
}

export interface LabOptions {
  projectDirectory: string
  progress: InventoryProgress
  signal: AbortSignal
}

export interface LabHost {
  name: string
  /** `undefined` until the lab has its network. */
  address: string | undefined
  state: 'running' | 'stopped' | 'missing'
  memoryMb: number | undefined
  uptimeSeconds: number | undefined
}

/** The hosts that this machine makes for itself. */
export interface LabControls {
  up(count: number | undefined, options: LabOptions): Promise<void>
  down(options: LabOptions): Promise<void>
  /** Folders with what every lab of this machine is made from, and which outlive it. */
  kept(options: LabOptions): string[]
  status(options: LabOptions): Promise<LabHost[]>
  reboot(hosts: string[], options: LabOptions): Promise<void>
  /** The words of the command line that logs in to a host, or runs `command` there. */
  sshCommand(host: string, command: string[], options: LabOptions): Promise<string[]>
  /** What this machine has and lacks for a lab. */
  findings(): Promise<Finding[]>
}

/** The hosts of a pipeline, as its operators reach them. */
export interface PipelineAccess {
  inventory: Inventory
  connect(host: Host): Promise<Connection>
}

/** Where a message lies in Kafka. */
export interface MessagePlace {
  topic: string
  partition: number
  offset: number
}

/** A message that could not be stored, without what is in it. */
export interface DeadLetter {
  /** `partition:offset` in the topic of dead letters: its name. */
  letter: string
  /** When it was put there. */
  at: string
  /** Where the message lay; `undefined` where somebody else put it there. */
  from: MessagePlace | undefined
  /** `topic:partition:offset` of where it lay at first, before any replay. */
  origin: string | undefined
  reason: string
  bytes: number
  /** What of the message the letter does not have, where it was too long for one. */
  missing: string | undefined
  /** How often it had been replayed before it became this letter. */
  replays: number
  /** Where it was sent by a replay since, and when. */
  replayed: { to: string; at: string } | undefined
}

export interface LetterContent {
  key: Buffer | null
  value: Buffer | null
  headers: Record<string, string>
}

/** Which letters are meant; what is left out is not looked at. */
export interface LetterFilter {
  /** Names of letters, or places that messages lay at. */
  letters?: readonly string[]
  topic?: string
  partition?: number
  offsets?: { first: number; last: number }
  /** A part of the reason, in small or large letters. */
  reason?: string
  /** Also those that were replayed since. */
  replayed?: boolean
}

export interface ReplayOutcome {
  letter: string
  /** `topic:partition:offset` of where it lies now. */
  to?: string
  /** Why it was not sent. */
  failure?: string
}

/** The topic of dead letters of a running pipeline. */
export interface DeadLetterTopic {
  /** The oldest first. */
  list(filter: LetterFilter): Promise<DeadLetter[]>
  content(letter: DeadLetter): Promise<LetterContent>
  /** Sends messages again as they were, to where they came from. */
  replay(letters: readonly DeadLetter[], onOutcome: (outcome: ReplayOutcome) => void): Promise<void>
}

export interface DeadLetterControls {
  open<Result>(
    access: PipelineAccess,
    topic: string,
    use: (deadLetters: DeadLetterTopic) => Promise<Result>,
  ): Promise<Result>
}

/** What a running pipeline did for a while. */
export interface Measured {
  seconds: number
  /** Messages a second that were written to the topics: P. */
  arriving: number
  /** Messages a second that were stored or sent to the dead letters. */
  processed: number
  /** Messages that wait, at the end. */
  lag: number
  partitions: number
  processors: number
  /** Of each processor. */
  cpuSeconds: number[]
  /** Time of bulk inserts, several at once counted several times. */
  writeSeconds: number
  /** Documents that processors inserted. */
  inserted: number
  /** Documents that MongoDB inserted, changed and deleted. */
  writes: number
  writeP95: number | undefined
}

export interface CapacityWishes {
  /** How long is measured. */
  seconds: number
  /** S, 1.2 to 1.5. */
  safety: number
  /** H. */
  headroom: number
  /** W, where somebody has measured it. */
  writesPerSecond?: number
  topics: readonly string[]
  group: string
}

export interface CapacityReport {
  measured: Measured
  processors: {
    needed: number
    running: number
    /** More than this have no partition to read. */
    most: number
    secondsPerMessage: number
    cpuPerMessage: number
    writingPerMessage: number
    safety: number
    /** Share of a core. */
    busiest: number
    lagLimit: number
  }
  database: {
    writesPerMessage: number
    /** Writes a second that what arrives takes. */
    demanded: number
    /** Writes a second that MongoDB can do; `undefined` where nothing was written. */
    sustained: number | undefined
    estimated: boolean
    headroom: number
    enough: boolean | undefined
  }
  /** What should be changed; nothing where all is well. */
  advice: { what: 'scale out' | 'scale in' | 'more partitions' | 'database'; why: string }[]
}

export interface CapacityControls {
  report(access: PipelineAccess, wishes: CapacityWishes, signal: AbortSignal): Promise<CapacityReport>
}
