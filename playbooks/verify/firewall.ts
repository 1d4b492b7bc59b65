import type { Host, Inventory } from '../../engine/inventory.ts'
import { sh } from '../../engine/shell.ts'
import type { Checklist } from './checklist.ts'
import { evidenceFrom } from './evidence.ts'
import { judgeAttempts } from './judge-matrix.ts'
import type { Reached } from './links.ts'
import {
  controllerName,
  type Planned,
  plannedFrom,
  plannedFromController,
  tryFrom,
  tryFromController,
} from './matrix.ts'
import type { Attempt, Evidence } from './result.ts'

/**
 * Tries, from every host that was reached and from the controller, every policy port on every other, and judges who
 * got through.
 */
export async function checkFirewall(
  checklist: Checklist,
  {
    hosts,
    reached,
    inventory,
  }: { hosts: readonly Host[]; reached: readonly Reached[]; inventory: Inventory },
): Promise<Attempt[]> {
  const { policy, hosts: members } = inventory
  const targets = reached.map(({ host }) => host)
  const evidence = async (name: string): Promise<Evidence[]> => {
    const target = reached.find(({ host }) => host.name === name)
    return target === undefined ? [] : [await evidenceFrom(target.connection, sh`ufw status verbose`)]
  }
  const matrix: Attempt[] = []
  const check = async (
    source: string,
    planned: Planned[],
    tryAll: (planned: Planned[]) => Promise<Attempt[]>,
  ) => {
    if (planned.length === 0) {
      const why =
        source === controllerName
          ? 'no host can be reached but by way of others'
          : 'there is no other host to try'
      checklist.skip({ name: 'firewall', host: source }, why)
      return
    }
    await checklist.check({
      name: 'firewall',
      host: source,
      run: async () => {
        const attempts = await tryAll(planned)
        matrix.push(...attempts)
        return judgeAttempts(attempts, evidence)
      },
    })
  }
  for (const { name } of hosts.filter((host) => !targets.includes(host))) {
    checklist.skip({ name: 'firewall', host: name }, 'login failed: nothing was tried from it or to it')
  }
  const seenAs = new Map(reached.map(({ host, state }) => [host.name, state.clientAddress]))
  await Promise.all([
    check(controllerName, plannedFromController(targets, members, policy, seenAs), tryFromController),
    ...reached.map(({ host, connection }) =>
      check(host.name, plannedFrom(host, targets, members, policy), (planned) =>
        tryFrom(connection, planned),
      ),
    ),
  ])
  const order = [controllerName, ...targets.map(({ name }) => name)]
  return matrix.sort((left, right) => order.indexOf(left.from) - order.indexOf(right.from))
}
