import { runBatch } from '../../engine/batch.ts'
import { reasonOf } from '../../engine/errors.ts'
import { printable } from '../../engine/report/terminal.ts'
import { type Script, sh } from '../../engine/shell.ts'
import type { Connection } from '../../engine/transport/connection.ts'
import type { Evidence } from './result.ts'

const timeoutSeconds = 10

/** The last lines of a unit's journal, and the command that shows all of it. */
export async function journalOf(connection: Connection, unit: string): Promise<Evidence> {
  const script = sh`journalctl --unit ${unit} --lines 40 --no-pager --output short-iso`
  return { ...(await evidenceFrom(connection, script)), command: `journalctl --unit ${unit}` }
}

/** What a command prints on a host; where even that cannot be had, why. */
export async function evidenceFrom(connection: Connection, command: Script): Promise<Evidence> {
  const { name: host } = connection.host
  try {
    const [outcome] = await runBatch(connection, [command], {
      stopOnFailure: false,
      timeoutSeconds: () => timeoutSeconds,
    })
    const text = outcome === undefined ? '' : `${outcome.stdout}${outcome.stderr}`
    return { host, command: command.shown, lines: linesOf(text) }
  } catch (error) {
    return { host, command: command.shown, lines: [reasonOf(error)] }
  }
}

/** Text from a host as lines that are safe to show. */
export function linesOf(text: string, most = 40): string[] {
  return printable(text.trim())
    .split('\n')
    .filter((line) => line.trim() !== '')
    .slice(-most)
}
