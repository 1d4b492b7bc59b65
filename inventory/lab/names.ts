import { join } from 'node:path'
import type { LabSettings } from './settings.ts'

/** What a lab calls the things that it makes outside its directory. Interface names have at most 15 letters. */
export function bridgeName({ name }: LabSettings): string {
  return `sluice-${name}`
}

export function tableName({ name }: LabSettings): string {
  return `sluice_lab_${name}`
}

/** nspawn names the bridge's end of a host's cable `vb-` and this, which therefore carries the lab's name. */
export function machineName({ name }: LabSettings, host: string): string {
  return `${name}-${host}`
}

/** Where a host's files are. Everything of the host is below `root`. */
export function hostPaths({ directory }: LabSettings, host: string) {
  const root = join(directory, 'hosts', host)
  return {
    root,
    record: join(root, 'host.json'),
    console: join(root, 'console.log'),
    upper: join(root, 'upper'),
    work: join(root, 'work'),
    merged: join(root, 'merged'),
  }
}

/** Files that belong to the whole lab. */
export function labPaths({ directory }: LabSettings) {
  return {
    state: join(directory, 'lab.json'),
    hosts: join(directory, 'hosts'),
    identity: join(directory, 'id_ed25519'),
    knownHosts: join(directory, 'known_hosts'),
  }
}
