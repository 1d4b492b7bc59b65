import { lines, type Script, sh } from '../../engine/shell.ts'
import { declared } from './declared.ts'
import { onEveryTarget, type Target } from './targets.ts'

/** What each lab host has of its own, what commands keep of former versions, and Sluice's record of what a unit loaded. */
const leftOut = [
  '/etc/ssh/ssh_host_*',
  '/etc/machine-id',
  '/etc/hosts',
  '/etc/systemd/network',
  '/etc/passwd-',
  '/etc/group-',
  '/etc/shadow-',
  '/etc/gshadow-',
  '/etc/.pwd.lock',
  '/etc/ld.so.cache',
  '/etc/systemd/system/*.service.d',
]

const { sysctls, units } = declared

/** Prints all that a tool could have left behind: whole trees with owners, modes and digests, packages, units, live settings. */
function stateScript(): Script {
  const pruned: Script = {
    text: leftOut.map((path) => `-path '${path}'`).join(' -o '),
    shown: leftOut.join(' '),
  }
  const find = sh`find /etc /srv /usr/local -xdev \\( ${pruned} \\) -prune -o`
  return lines([
    sh`${find} -printf 'path %p %y %m %u %g %l\\n' | sort`,
    sh`${find} -type f -print0 | sort --zero-terminated | xargs --null sha256sum --`,
    sh`dpkg-query --show --showformat='package \${Package} \${Version} \${db:Status-Status}\\n'`,
    sh`for one in ${sysctls.map(({ key }) => key)}; do sysctl "$one"; done`,
    sh`/usr/sbin/sshd -T | sort`,
    sh`systemctl show --property=Id,ActiveState,SubState,UnitFileState,NeedDaemonReload -- ${units.map(({ unit }) => unit)}`,
    sh`systemctl is-system-running || :`,
  ])
}

/** What the hosts are like, by name. */
export function readState(
  sshConfiguration: string,
  targets: readonly Target[],
): Promise<Map<string, string>> {
  return onEveryTarget(sshConfiguration, targets, stateScript())
}

/** Lines that only one of two states has, as `host: - line` or `host: + line`. */
export function differences(
  before: ReadonlyMap<string, string>,
  after: ReadonlyMap<string, string>,
): string[] {
  return [...after].flatMap(([host, text]) => {
    const [had, has] = [before.get(host) ?? '', text].map((state) => new Set(state.split('\n')))
    const gone = [...(had ?? [])].filter((line) => !has?.has(line)).map((line) => `${host}: - ${line}`)
    const come = [...(has ?? [])].filter((line) => !had?.has(line)).map((line) => `${host}: + ${line}`)
    return [...gone, ...come]
  })
}
