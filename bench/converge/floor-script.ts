import { lines, type Script, sh } from '../../engine/shell.ts'
import { declared } from './declared.ts'

const { packages, account, directories, files, sysctls, sshd, units } = declared

/** Reads all that is declared with as few commands as a person would take who knows exactly what to look for. */
export function readingScript(): Script {
  const texts = [...files, ...sysctls, sshd, ...units].map(({ path }) => path)
  const live = sysctls.map(({ key }) => `/proc/sys/${key.replaceAll('.', '/')}`)
  const names = units.map(({ unit }) => unit)
  return lines([
    sh`dpkg-query --show --showformat='\${Package} \${db:Status-Status}\n' ${packages}`,
    sh`getent group ${account.name}; getent passwd ${account.name}`,
    sh`stat --format='%n %F %a %U %G' -- ${[...directories.map(({ path }) => path), ...texts]}`,
    sh`sha256sum -- ${texts}`,
    sh`cat ${live}`,
    sh`systemctl show --property=Id,LoadState,ActiveState,UnitFileState,NeedDaemonReload -- ${names}`,
  ])
}
