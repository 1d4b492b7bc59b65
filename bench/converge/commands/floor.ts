import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { quote } from '../../../engine/shell.ts'
import { readingScript } from '../floor-script.ts'
import type { ToolCommand } from '../measure.ts'
import type { Workspace } from '../workspace.ts'

/** One OpenSSH client a host, all at once, each running one script that reads what is declared. */
export async function floorCommand({
  directory,
  targets,
  sshConfiguration,
}: Workspace): Promise<ToolCommand> {
  const script = join(directory, 'read.sh')
  const program = join(directory, 'floor.sh')
  await writeFile(script, `set -eu\n${readingScript().text}\n`)
  const clients = targets.map(
    ({ name }) =>
      `ssh -F ${quote(sshConfiguration)} ${name} 'exec sudo -n sh' < ${quote(script)} & all="$all $!"`,
  )
  await writeFile(
    program,
    ['all=', ...clients, 'for one in $all; do wait "$one" || exit 1; done', ''].join('\n'),
  )
  return { words: ['/bin/sh', program], directory, environment: {} }
}
