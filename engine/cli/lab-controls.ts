import type { InventoryProgress } from '../inventory.ts'
import type { Finding } from './finding.ts'

/** The most hosts of one lab: what two digits in a name and the addresses .10 upwards leave room for. */
export const mostLabHosts = 99

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
