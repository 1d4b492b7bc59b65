import { bridgeName, hostPaths, machineName } from './names.ts'
import type { LabSettings } from './settings.ts'

/**
 * The command that runs a host. The console is a file, the cgroup is the one that it is started in, and nothing is
 * registered with, linked into or read from the systemd of the controller, which may not have one.
 */
export function nspawnCommand(settings: LabSettings, host: string): string[] {
  return [
    'systemd-nspawn',
    '--quiet',
    '--boot',
    `--directory=${hostPaths(settings, host).merged}`,
    `--machine=${machineName(settings, host)}`,
    `--hostname=${host}`,
    `--network-bridge=${bridgeName(settings)}`,
    '--register=no',
    '--keep-unit',
    '--settings=no',
    '--link-journal=no',
    '--resolv-conf=off',
    '--timezone=off',
    '--console=pipe',
    // systemd takes this as "halt in order"; SIGTERM to nspawn sends it on.
    '--kill-signal=SIGRTMIN+3',
  ]
}
