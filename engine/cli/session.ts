import { join } from 'node:path'
import { SluiceError, typable } from '../errors.ts'
import type { Host, Inventory, InventorySource } from '../inventory.ts'
import { painter, type Screen } from '../report/terminal.ts'
import type { Connection } from '../transport/connection.ts'
import { type Access, readAccess } from './access.ts'
import { chooseInventory, type InventoryChoice, openInventory } from './choose-inventory.ts'
import { type Configuration, findProject, readConfiguration } from './configuration.ts'
import { interruption } from './interruption.ts'
import { refuseAttachedLimit } from './npm-attached.ts'
import type { HostOptions } from './options.ts'
import type { Registry } from './registry.ts'

/** The streams that a command prints on. */
export interface Screens {
  stdin: NodeJS.ReadStream
  stdout: Screen
  stderr: Screen
}

/** What every command stands on: the project that is meant, its configuration, and a way to be stopped. */
export interface Session extends Screens {
  registry: Registry
  projectDirectory: string
  configuration: Configuration
  signal: AbortSignal
  /** What was typed or given to get in to hosts, once hosts are loaded to be worked on. */
  access: Access | undefined
  /** For a view that says itself that Ctrl-C was pressed. */
  silenceStopNotice(): void
  /** A line about what is being done, for standard error. */
  progress(message: string): void
  /** A line of the result. */
  print(line: string): void
}

export function openSession(registry: Registry, { stdin, stdout, stderr }: Screens): Session {
  const projectDirectory = findProject(process.cwd())
  const paint = painter(stderr)
  const progress = (message: string) => void stderr.write(`${paint('dim', typable(message))}\n`)
  const { signal, silence } = interruption(() =>
    progress('\nStopping: what is in hand is being finished. Ctrl-C again ends at once.'),
  )
  return {
    stdin,
    stdout,
    stderr,
    registry,
    projectDirectory,
    configuration: readConfiguration(projectDirectory),
    signal,
    access: undefined,
    silenceStopNotice: silence,
    progress,
    print: (line) => void stdout.write(`${line}\n`),
  }
}

/** The inventory that `--inventory`, the configuration or the environment names. */
export function inventoryChoice(session: Session, typed: string | undefined): InventoryChoice {
  return chooseInventory(typed, {
    configuration: session.configuration,
    environment: process.env,
    fallback: session.registry.defaultInventory,
    projectDirectory: session.projectDirectory,
    workingDirectory: process.cwd(),
  })
}

/** @throws SluiceError INVENTORY_UNKNOWN */
export function openSource(
  session: Session,
  { inventory }: Pick<HostOptions, 'inventory'>,
): Promise<InventorySource> {
  return openInventory(inventoryChoice(session, inventory), session.registry, session.projectDirectory)
}

export interface Chosen {
  inventory: Inventory
  /** Those that `--limit` names. */
  hosts: Host[]
}

export interface LoadManner {
  /** Whether hosts that are missing are made. */
  create: boolean
  /** Whether something is then changed on the hosts, so that where they come from must be asked anew. */
  change?: boolean
  /** Whether the hosts are then logged in on, so that what this takes is asked for. */
  reach?: boolean
}

/** @throws SluiceError INVENTORY_UNKNOWN, INVENTORY_INVALID, HOSTS_UNKNOWN and what the inventory itself throws */
export async function loadHosts(
  session: Session,
  options: Pick<HostOptions, 'inventory' | 'limit' | 'refresh' | 'askBecomePass'>,
  { create, change = create, reach = true }: LoadManner,
): Promise<Chosen> {
  const { projectDirectory, progress, signal } = session
  const source = await openSource(session, options)
  const inventory = await source.load({
    projectDirectory,
    create,
    refresh: change || (options.refresh ?? false),
    progress,
    signal,
  })
  const hosts = await limitedHosts(inventory, options, projectDirectory)
  if (reach && hosts.length === 0) throw withoutHosts(inventory)
  if (reach) session.access ??= await readAccess(session, options, hosts)
  return { inventory, hosts }
}

async function limitedHosts(
  inventory: Inventory,
  options: Pick<HostOptions, 'limit'>,
  projectDirectory: string,
): Promise<Host[]> {
  if (options.limit === undefined) {
    refuseAttachedLimit(inventory.hosts.flatMap(({ name, groups }) => [name, ...groups]))
    return inventory.hosts
  }
  const { selectHosts } = await import('../select.ts')
  const hosts = selectHosts(inventory, await limitPattern(projectDirectory, options.limit))
  if (hosts.length > 0) return hosts
  throw new SluiceError('HOSTS_UNKNOWN', {
    subject: `--limit "${options.limit}" leaves no host of the inventory ${inventory.name}`,
    why: `its hosts: ${inventory.hosts.map(({ name }) => name).join(', ') || 'none'}`,
    advice: 'take away fewer, or leave --limit out',
  })
}

/** To find nothing amiss on no host would look like success: to cron, above all. */
function withoutHosts({ name }: Inventory): SluiceError {
  return new SluiceError('HOSTS_UNKNOWN', {
    subject: `the inventory ${name} has no hosts, so there is nothing to work on`,
    advice: 'put hosts in, or name another with --inventory',
  })
}

/** `@failed` stands for the hosts that did not get to the end in the newest run. */
async function limitPattern(projectDirectory: string, typed: string): Promise<string> {
  if (typed !== '@failed') return typed
  const { failedHosts } = await import('../report/run-record.ts')
  const failed = failedHosts(projectDirectory)
  if (failed !== undefined && failed.length > 0) return failed.join(',')
  throw new SluiceError('HOSTS_UNKNOWN', {
    subject:
      failed === undefined
        ? 'there is no run yet whose hosts could have failed'
        : 'no host failed in the last run',
    at: 'the command line, --limit @failed',
    advice: 'sluice log shows the runs; leave --limit out for all hosts',
  })
}

/**
 * How hosts are reached: with keys that are on record, in the time that `--timeout` gives. What keeps us out is said
 * with the host's name.
 */
export async function connector(
  session: Session,
  { timeout, acceptNewHostKeys }: Pick<HostOptions, 'timeout' | 'acceptNewHostKeys'>,
): Promise<(host: Host) => Promise<Connection>> {
  const [ssh, { hostKeys }] = await Promise.all([
    import('../transport/ssh.ts'),
    import('../transport/host-keys.ts'),
  ])
  const keys = hostKeys({
    knownHostsFile: join(session.projectDirectory, '.sluice', 'known_hosts'),
    acceptNew: acceptNewHostKeys,
  })
  let open: ((host: Host) => Promise<Connection>) | undefined
  return async (host) => {
    // Made with the first host: what is asked for to get in is known only when the hosts are.
    open ??= ssh.connector({
      hostKeys: keys,
      timeoutMs: timeout * 1000,
      becomePassword: session.access?.becomePassword,
      askPassphrase: async (file) => session.access?.passphrases.get(file),
    })
    try {
      return await open(host)
    } catch (error) {
      if (!(error instanceof SluiceError) || error.at === host.name) throw error
      throw error.within(host.name)
    }
  }
}
