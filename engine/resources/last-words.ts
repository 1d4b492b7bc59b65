import { type Script, sh } from '../shell.ts'

/**
 * The last lines of a unit's journal, without the stack frames that would push the reason out of sight, after the
 * line that says that a port was taken, where there is one: a service may say much more before it ends.
 */
export function lastWords(unit: string): Script {
  return sh`
    journalctl --unit ${unit} --lines 200 --no-pager --output cat | grep --invert-match '^[[:space:]]*at ' | {
      words=$(tail -n 100)
      printf '%s\\n' "$words" | grep --ignore-case 'address already in use' | tail -n 1
      printf '%s\\n' "$words" | tail -n 16
    }`
}
