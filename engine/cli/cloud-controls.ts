import type { Host, Inventory, InventoryProgress } from '../inventory.ts'
import type { Playbook } from '../playbook.ts'
import type { Connection } from '../transport/connection.ts'

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
  /** How the hosts are logged in to, where that takes a key of the user's own: the inventory's name stands for them. */
  login?: { name: string; identityFile?: string | undefined; publicKey: string }
  /** Left out where nobody asks money. */
  cost?: CostTable
}

export interface CloudRemoval extends CloudRun {
  /** What is removed, in a few words. */
  summary: string
  /** Each begins with its name. Empty where only what is kept of the hosts is left, for `leftovers` to forget. */
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
  plan?: CostTable
  /** Why there is no plan. */
  notPlanned?: string
  /** Everything that is there, and where that is in several places, each of them with its own title. */
  running?: CostTable & { regions: CostTable[] }
  /** Why what runs, or a part of it, is not known. */
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
