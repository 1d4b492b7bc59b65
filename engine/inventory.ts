import * as v from 'valibot'
import type { Policy } from './policy.ts'
import { AbsolutePath, AccountName, Address, Name, Port } from './schemas.ts'

export type { Policy, PolicyRule } from './policy.ts'

/** Variables as they are written: role name, then parameter name, then value. Roles check them. */
export const Variables = v.record(v.string(), v.unknown())
export type Variables = v.InferOutput<typeof Variables>

/** One machine, and how to reach it. */
export const Host = v.strictObject({
  name: Name,
  /** Where SSH answers, as seen from the controller: an address or a name. */
  address: v.pipe(v.string(), v.nonEmpty('should not be empty')),
  port: v.optional(Port, 22),
  user: v.optional(AccountName, 'root'),
  /** A private key file on the controller; without one, the SSH agent and the user's default keys are tried. */
  identityFile: v.optional(AbsolutePath),
  /** Public host keys, `type base64`, of which the host must show one. Empty: see the known-hosts file. */
  hostKeys: v.optional(v.array(v.string()), []),
  /** The addresses by which the hosts reach one another: services listen here and firewall rules name them. */
  privateAddresses: v.pipe(v.array(Address), v.minLength(1, 'should name at least one address')),
  groups: v.array(Name),
  variables: v.optional(Variables, {}),
  /**
   * What carries SSH: the library in this process, or the system's OpenSSH client with the user's own configuration.
   * `auto`, also when left out: the library, and the client where the two can agree on no algorithm.
   */
  transport: v.optional(v.picklist(['auto', 'node-ssh', 'openssh'])),
})

/** The port of what is reached without one: no machine, but a program that makes some. */
export const noPort = 0

export interface Host extends v.InferOutput<typeof Host> {
  /** The host through which alone this one can be reached. It need not be one that is provisioned. */
  jump?: Host | undefined
}

/** Everything that an inventory says: hosts, groups, their variables and the firewall policy. */
export interface Inventory {
  /** As typed after `--inventory`. */
  name: string
  hosts: Host[]
  /** What one of the hosts is, where it is no host: `region`. */
  noun?: string
  variables: Variables
  groupVariables: Record<string, Variables>
  /** Whether its variables are for other programs too, so that one which is no role's is no mistake. */
  sharedVariables?: boolean
  policy: Policy
}

/** What an inventory may say while it works (creating hosts can take a while). */
export type InventoryProgress = (message: string) => void

export interface LoadOptions {
  /** The folder of the user's project: where `.sluice/` and the configuration are. */
  projectDirectory: string
  /** Whether hosts that are missing should be made (provision) or only be found (everything else). */
  create: boolean
  /** Whether an inventory that keeps what it was told should ask anew. */
  refresh?: boolean
  progress: InventoryProgress
  signal?: AbortSignal
}

/** A place that hosts come from: one file in `inventory/`. */
export interface InventorySource {
  name: string
  summary: string
  load(options: LoadOptions): Promise<Inventory>
}
