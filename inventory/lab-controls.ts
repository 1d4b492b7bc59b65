import { existsSync, readFileSync } from 'node:fs'
import type { Finding } from '../engine/cli/finding.ts'
import type { LabControls } from '../engine/cli/lab-controls.ts'
import { parseHierarchies } from './lab/cgroup.ts'
import { sshCommand } from './lab/known-hosts.ts'
import { bringUp, takeDown } from './lab/lifecycle.ts'
import { rebootHost } from './lab/power.ts'
import { missingPackages } from './lab/prerequisites.ts'
import { labSettings } from './lab/settings.ts'
import { status } from './lab/status.ts'

/** What the commands below `sluice lab` do. */
export const labControls: LabControls = {
  async up(count, { projectDirectory, progress, signal }) {
    const settings = labSettings(projectDirectory)
    await bringUp(settings, count ?? settings.count, progress, signal)
  },

  async down({ projectDirectory, progress }) {
    await takeDown(labSettings(projectDirectory), progress)
  },

  kept: ({ projectDirectory }) => [labSettings(projectDirectory).cache].filter(existsSync),

  async status({ projectDirectory }) {
    const hosts = await status(labSettings(projectDirectory))
    return hosts.map(({ name, address, state, memory, uptime }) => ({
      name,
      address,
      state,
      memoryMb: memory === undefined ? undefined : Math.round(memory / 1024 / 1024),
      uptimeSeconds: uptime,
    }))
  },

  async reboot(hosts, { projectDirectory, progress, signal }) {
    const settings = labSettings(projectDirectory)
    progress(`rebooting ${hosts.join(', ')}`)
    await Promise.all(hosts.map((host) => rebootHost(settings, host, signal)))
  },

  sshCommand: async (host, command, { projectDirectory }) => [
    ...(await sshCommand(labSettings(projectDirectory), host)),
    ...command,
  ],

  findings: async () => [system(), privileges(), packages(), controlGroups()],
}

const otherwise = 'use another inventory, or a machine or user that fits'

function system(): Finding {
  const found = process.platform
  return { subject: 'lab: system', found, ...judged(found === 'linux', `the lab needs Linux: ${otherwise}`) }
}

function privileges(): Finding {
  const root = process.getuid?.() === 0
  const found = root ? 'root' : 'not root'
  return {
    subject: 'lab: privileges',
    found,
    ...judged(root, `it makes bridges, mounts and containers: run as root (sudo), or ${otherwise}`),
  }
}

function packages(): Finding {
  const missing = missingPackages()
  const found = missing.length === 0 ? 'all there' : `missing: ${missing.join(', ')}`
  // As root they are installed when the lab is brought up.
  const fine = missing.length === 0 || process.getuid?.() === 0
  return { subject: 'lab: packages', found, ...judged(fine, `apt-get install ${missing.join(' ')}`) }
}

function controlGroups(): Finding {
  const mounts = process.platform === 'linux' ? readFileSync('/proc/mounts', 'utf8') : ''
  const hierarchies = parseHierarchies(mounts)
  const found = hierarchies.map(({ path, version }) => `${path} (v${version})`).join(', ') || 'none'
  const advice = 'mount a cgroup hierarchy: mount -t cgroup2 none /sys/fs/cgroup'
  return { subject: 'lab: cgroups', found, ...judged(hierarchies.length > 0, advice) }
}

function judged(fine: boolean, advice: string): Pick<Finding, 'state' | 'advice'> {
  return fine ? { state: 'ok' } : { state: 'problem', advice }
}
