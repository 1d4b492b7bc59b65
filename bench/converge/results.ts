import { mkdir, writeFile } from 'node:fs/promises'
import { availableParallelism, cpus, release, totalmem } from 'node:os'
import { join } from 'node:path'
import { onController } from '../../inventory/lab/controller.ts'
import { chart } from './chart.ts'
import { report } from './report.ts'
import type { Run } from './summary.ts'
import type { VirtualEnvironment } from './virtual-environment.ts'

/** What figures are worth nothing without. */
export interface Conditions {
  command: string
  date: string
  machine: string
  versions: Record<string, string>
}

export interface Results extends Conditions {
  runs: Run[]
}

export async function describeConditions(
  command: string,
  python: VirtualEnvironment | undefined,
): Promise<Conditions> {
  const run = onController()
  const system = (await run`. /etc/os-release && echo "$PRETTY_NAME"`).stdout.trim()
  const ssh = (await run`ssh -V 2>&1`).stdout.trim()
  const names = ['ansible-core', 'mitogen', 'pyinfra']
  const code = 'import sys, importlib.metadata as m; [print(n, m.version(n)) for n in sys.argv[1:]]'
  const peers = python === undefined ? '' : (await run`${python.python} -c ${code} ${names}`).stdout.trim()
  return {
    command,
    date: new Date().toISOString().slice(0, 10),
    machine: `${availableParallelism()} cores (${cpus()[0]?.model ?? 'unknown'}), ${Math.round(totalmem() / 2 ** 30)} GB, ${system}, Linux ${release()}; the hosts are on the same machine`,
    versions: {
      node: process.versions.node,
      ssh: ssh.split(',')[0] ?? ssh,
      ...Object.fromEntries(
        peers
          .split('\n')
          .filter(Boolean)
          .map((line) => line.split(' ')),
      ),
    },
  }
}

/** Writes the figures for programs, for readers and for the eye. */
export async function writeResults(directory: string, results: Results): Promise<void> {
  await mkdir(directory, { recursive: true })
  await writeFile(join(directory, 'converge.json'), `${JSON.stringify(results, rounded, 1)}\n`)
  await writeFile(join(directory, 'converge.md'), report(results))
  await writeFile(join(directory, 'converge.svg'), chart(results.runs))
}

function rounded(_key: string, value: unknown): unknown {
  return typeof value === 'number' ? Math.round(value * 10) / 10 : value
}
