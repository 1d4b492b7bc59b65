import { typable } from '../errors.ts'
import { exitCodes } from './exit-codes.ts'
import type { HostOptions } from './options.ts'
import { readOverrides } from './overrides.ts'
import type { Check } from './registry.ts'
import { connector, loadHosts, type Session } from './session.ts'

/** Runs a check against the chosen hosts, which must be there already. */
export async function checkCommand(session: Session, check: Check, options: HostOptions): Promise<number> {
  const { projectDirectory, progress, print, signal } = session
  const [run, { withOverrides }, overrides, chosen, connect] = await Promise.all([
    check.load(),
    import('../variables.ts'),
    readOverrides(session, options),
    loadHosts(session, options, { create: false }),
    connector(session, options),
  ])
  const { json, verbose } = options
  const names = chosen.hosts.map(({ name }) => name)
  const inventory = withOverrides(chosen.inventory, overrides)
  const hosts = inventory.hosts.filter(({ name }) => names.includes(name))
  const { passed } = await run({
    inventory,
    hosts,
    projectDirectory,
    connect,
    json,
    verbose,
    print: json ? () => {} : (line) => print(typable(line)),
    emit: json ? (document) => print(JSON.stringify(document)) : () => {},
    progress,
    signal,
  })
  if (signal.aborted) return exitCodes.interrupted
  return passed ? exitCodes.converged : exitCodes.failed
}
