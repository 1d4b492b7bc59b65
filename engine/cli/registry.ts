import type { Artifact } from '../artifacts/artifact.ts'
import type { Host, Inventory, InventoryProgress, InventorySource, Variables } from '../inventory.ts'
import type { Playbook } from '../playbook.ts'
import type { InboundRule } from '../policy.ts'
import type { Connection } from '../transport/connection.ts'
import type { CloudControls } from './cloud-controls.ts'
import type { LabControls } from './lab-controls.ts'
import type { CapacityControls, DeadLetterControls } from './pipeline-controls.ts'

/** What a project brings to the command line. Each part is loaded when a command needs it. */
export interface Registry {
  version: string
  playbooks: PlaybookCommand[]
  /** What `--allow-lockout` says to the roles that refuse to shut the controller out. */
  allowLockout?: Variables
  /** The playbook whose resources `destroy` removes: one name of `playbooks`. */
  destroyed: string
  inventories: InventoryEntry[]
  /** The inventory of last resort. */
  defaultInventory: string
  /** Opens an inventory that is a file or a folder. */
  openInventoryFile(path: string): Promise<InventorySource>
  checks: Check[]
  /** For projects whose hosts have a firewall that a policy says. */
  firewall?: FirewallEntry
  lab: { load(): Promise<LabControls> }
  /** What the controller gets for the hosts, of which `doctor` says whether it can be had. */
  software?: { load(): Promise<() => Artifact[]> }
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
  /** Where its hosts can be made and removed, by a provider who may ask money for them or on this machine. */
  cloud?: { load(): Promise<CloudControls>; costs: boolean }
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
