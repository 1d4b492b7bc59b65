import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { $ } from 'zx'
import { labGroups } from '../../inventory/lab/cgroup.ts'
import { bridgeName, machineName, tableName } from '../../inventory/lab/names.ts'
import type { LabSettings } from '../../inventory/lab/settings.ts'

/** Everything of a lab that the machine shows, by the places where it could be left behind. */
export async function labTraces(settings: LabSettings): Promise<string[]> {
  const [links, tables, processes] = await Promise.all([
    $({ quiet: true })`ip -o link`,
    $({ quiet: true })`/usr/sbin/nft list tables`,
    $({ quiet: true })`ps -eo args=`,
  ])
  // The name of one lab may begin with the name of another.
  const naming = (text: string, ...names: string[]) =>
    text.split('\n').filter((line) => names.some((name) => new RegExp(`${name}(?![a-z0-9])`).test(line)))
  const machines = machineName(settings, '')
  const propagated = '/run/systemd/nspawn/propagate'
  return [
    ...naming(links.stdout, bridgeName(settings), `vb-${settings.name}`),
    ...naming(tables.stdout, tableName(settings)),
    ...naming(processes.stdout, settings.directory),
    ...naming(readFileSync('/proc/mounts', 'utf8'), settings.directory),
    ...[settings.directory, ...labGroups(settings), `/run/sluice-lab/${settings.name}.lock`].filter((path) =>
      existsSync(path),
    ),
    ...(existsSync(propagated) ? readdirSync(propagated) : []).filter((name) => name.startsWith(machines)),
  ]
}
