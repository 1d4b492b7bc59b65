import { loadavg } from 'node:os'
import { join } from 'node:path'
import { SluiceError } from '../../engine/errors.ts'
import type { InventoryProgress } from '../../engine/inventory.ts'
import { sh } from '../../engine/shell.ts'
import type { LabSettings } from '../../inventory/lab/settings.ts'
import { changesIn, commandOf } from './commands/command-of.ts'
import { driftedPath } from './declared.ts'
import { readState } from './host-state.ts'
import { freshHosts } from './hosts.ts'
import { measure } from './measure.ts'
import { openRelay, type Relay } from './relay.ts'
import type { Run, Scenario } from './summary.ts'
import { onEveryTarget, type Target, writeSshFiles } from './targets.ts'
import { type Phase, type ToolName, toolTitles } from './tools.ts'
import type { VirtualEnvironment } from './virtual-environment.ts'
import { makeWorkspace, type Workspace } from './workspace.ts'

export interface SiteSettings {
  lab: LabSettings
  python: VirtualEnvironment | undefined
  cacheDirectory: string
  /** Where the tools' files and logs are while the bench runs. */
  directory: string
  progress: InventoryProgress
}

/** Lab hosts that are fresh at first, as the tools reach them and as the bench itself does. */
export class Site {
  readonly #scenario: Scenario
  readonly #direct: readonly Target[]
  readonly #sshConfiguration: string
  readonly #workspace: Workspace
  readonly #relays: readonly Relay[]

  private constructor(
    scenario: Scenario,
    direct: readonly Target[],
    sshConfiguration: string,
    workspace: Workspace,
    relays: readonly Relay[],
  ) {
    this.#scenario = scenario
    this.#direct = direct
    this.#sshConfiguration = sshConfiguration
    this.#workspace = workspace
    this.#relays = relays
  }

  /** Makes the hosts anew; where latency is asked for, a relay in front of each. */
  static async open(scenario: Scenario, settings: SiteSettings): Promise<Site> {
    const { lab, python, directory } = settings
    const direct = await freshHosts(lab, scenario.hosts, settings)
    const { configuration } = await writeSshFiles(directory, direct)
    const { latencyMs } = scenario
    const relays =
      latencyMs === 0
        ? []
        : await Promise.all(direct.map(({ address, port }) => openRelay(address, port, latencyMs)))
    const reached = direct.map((target, index) => {
      const relay = relays[index]
      return relay === undefined ? target : { ...target, address: '127.0.0.1', port: relay.port }
    })
    const workspace = await makeWorkspace(join(directory, 'workspace'), reached, python)
    return new Site(scenario, direct, configuration, workspace, relays)
  }

  close(): void {
    for (const relay of this.#relays) relay.close()
  }

  /**
   * Runs a tool once.
   *
   * @throws SluiceError LAB_FAILED when it fails, or does not say that it changed what it had to
   */
  async run(tool: ToolName, phase: Phase): Promise<Run> {
    if (phase === 'drift') await this.#drift()
    const log = join(this.#workspace.directory, `${tool}-${phase}.log`)
    const [load = 0] = loadavg()
    const { exitCode, output, ...figures } = await measure(await commandOf(tool, this.#workspace), log)
    const { hosts } = this.#scenario
    const changes = changesIn[tool](output)
    const least = { first: hosts, nothing: 0, drift: hosts }[phase]
    const most = phase === 'first' ? Number.POSITIVE_INFINITY : least
    if (exitCode !== 0 || changes < least || changes > most) {
      throw new SluiceError('LAB_FAILED', {
        subject: `${toolTitles[tool]}, ${phase}: exit code ${exitCode}, ${changes} changes on ${hosts} hosts`,
        why: output.trimEnd().split('\n').slice(-40).join('\n'),
        advice: 'see what it says; --peers leaves it out',
      })
    }
    return { ...this.#scenario, tool, phase, ...figures, load }
  }

  /** All that a tool could have left behind, by host. */
  state(): Promise<Map<string, string>> {
    return readState(this.#sshConfiguration, this.#direct)
  }

  async #drift(): Promise<void> {
    await onEveryTarget(this.#sshConfiguration, this.#direct, sh`echo '# drifted' >> ${driftedPath}`)
  }
}
