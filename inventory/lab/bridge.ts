import { existsSync } from 'node:fs'
import * as v from 'valibot'
import { parseWith } from '../../engine/schemas.ts'
import { onController } from './controller.ts'
import { bridgeName, tableName } from './names.ts'
import { addressIn, type LabNetwork } from './network.ts'
import type { LabSettings } from './settings.ts'

const Routes = v.array(v.object({ dst: v.string(), dev: v.optional(v.string()) }))

/** The networks and addresses that this machine routes, by others than this lab's own bridge. */
export async function usedNetworks(settings: LabSettings): Promise<string[]> {
  const run = onController()
  const listed = await Promise.all([
    run`ip -json -4 route show table all`,
    run`ip -json -6 route show table all`,
  ])
  const ofEverything = ['default', '0.0.0.0/0', '::/0', 'fe80::/64', 'multicast', 'ff00::/8']
  return listed
    .flatMap(({ stdout }) =>
      parseWith(Routes, JSON.parse(stdout || '[]'), {
        code: 'LAB_FAILED',
        place: 'ip -json route show table all',
        advice: 'look whether that command works on this machine',
      }),
    )
    .filter(({ dst, dev }) => dev !== bridgeName(settings) && !ofEverything.includes(dst))
    .map(({ dst }) => dst)
}

/** Whether the bridge that connects the hosts is there. */
export function bridgeExists(settings: LabSettings): boolean {
  return existsSync(`/sys/class/net/${bridgeName(settings)}`)
}

/** Makes the bridge, this machine's own addresses on it (.1 and ::1), and the hosts' way out. */
export async function makeBridge(settings: LabSettings, { network, network6 }: LabNetwork): Promise<void> {
  const run = onController()
  const bridge = bridgeName(settings)
  if (!bridgeExists(settings)) await run`ip link add ${bridge} type bridge`
  await run`ip addr replace ${addressIn(network, 1)}/24 dev ${bridge}`
  await run`ip addr replace ${addressIn(network6, 1)}/64 dev ${bridge} nodad`
  await run`ip link set ${bridge} up`
  const table = tableName(settings)
  const rules = [
    `table ip ${table}`,
    `delete table ip ${table}`,
    `table ip ${table} {`,
    '  chain postrouting {',
    '    type nat hook postrouting priority srcnat',
    `    ip saddr ${network} ip daddr != ${network} masquerade`,
    '  }',
    '}',
    '',
  ].join('\n')
  await onController(undefined, { input: rules })`nft -f -`
}

/** Removes the bridge and the nft table, where they are. */
export async function removeBridge(settings: LabSettings): Promise<void> {
  const table = tableName(settings)
  await onController(undefined, { input: `table ip ${table}\ndelete table ip ${table}\n` })`nft -f -`
  if (bridgeExists(settings)) await onController()`ip link delete ${bridgeName(settings)}`
}
