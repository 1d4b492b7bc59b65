import { sh } from '../shell.ts'

export const mainPath = '/etc/ssh/sshd_config'
export const dropInDirectory = '/etc/ssh/sshd_config.d'
/** Ours: sshd keeps the first value that it reads of a setting, so only files that sort before it can overrule it. */
export const dropInPath = `${dropInDirectory}/10-sluice.conf`
/** What sshd_config should begin with. */
export const include = `Include ${dropInDirectory}/*.conf`

/** Prints the first line of sshd_config that says something. */
export const firstLine = sh`awk '!/^[[:space:]]*(#|$)/ { $1 = $1; print; exit }' ${mainPath}`
