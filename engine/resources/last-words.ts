import { type Script, sh } from '../shell.ts'

/** The last lines of a unit's journal, without the stack frames that would push the reason out of sight. */
export function lastWords(unit: string): Script {
  return sh`journalctl --unit ${unit} --lines 100 --no-pager --output cat | grep --invert-match '^[[:space:]]*at ' | tail -n 16`
}
