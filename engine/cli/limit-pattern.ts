import type { Command } from 'commander'
import { SluiceError } from '../errors.ts'

/**
 * Refuses what only Ansible takes in `--limit`: a range or a set in brackets, and regular expressions. Taken word for
 * word, `vm[1:3]` would fall apart at its colon.
 *
 * @throws SluiceError USAGE
 */
export function refuseForeignPattern(command: Command): void {
  const { limit } = command.opts<{ limit?: string }>()
  const found = limit === undefined ? undefined : foreignPart(limit)
  if (limit === undefined || found === undefined) return
  throw new SluiceError('USAGE', {
    subject: `--limit "${limit}" has ${found}, which Ansible knows and Sluice does not`,
    at: 'the command line, --limit',
    why: 'a pattern is of names and groups, with * and ? in them, "," between, "!" without, "&" and',
    advice: 'name the hosts, --limit "vm1,vm2,vm3", or say it with *: --limit "vm*"',
  })
}

function foreignPart(pattern: string): string | undefined {
  const [brackets] = /\[[^\]]*\]?/.exec(pattern) ?? []
  if (brackets !== undefined) return `the range or set ${brackets}`
  const expression = pattern.split(',').find((term) => /^\s*[!&]?~/.test(term))
  return expression === undefined ? undefined : `the regular expression ${expression.trim()}`
}
