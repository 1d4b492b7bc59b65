import { dirname } from 'node:path'
import { type Script, sh } from '../shell.ts'

/** Where a host remembers what was there before Sluice, so that `destroy` gives it back. */
export const stateDirectory = '/var/lib/sluice'

const formerPath = (path: string) => `${stateDirectory}/former${path}`

/** Whether something is remembered. A link is, whatever it points to. */
const isKept = (former: string) => sh`[ -e ${former} ] || [ -L ${former} ] || [ -e ${`${former}.absent`} ]`

/** With the last thing that is remembered in it, a folder of the memory goes too. */
const forgetEmpty = (folder: string) =>
  sh`rmdir --parents --ignore-fail-on-non-empty -- ${folder} 2>/dev/null || :`

/** Keeps what is at `path` before it is replaced for the first time, or notes that nothing was there. */
export function keepFormer(path: string): Script {
  const former = formerPath(path)
  return sh`
    if ! { ${isKept(former)}; }; then
      mkdir -p -- ${dirname(former)}
      if [ -e ${path} ] || [ -L ${path} ]; then cp --archive -- ${path} ${former}; else : > ${`${former}.absent`}; fi
    fi`
}

/** Puts back what was at `path` before, or removes what was put there; what Sluice never touched stays. */
export function restoreFormer(path: string): Script {
  const former = formerPath(path)
  return sh`
    if [ -e ${former} ] || [ -L ${former} ]; then mv --no-target-directory -- ${former} ${path}
    elif [ -e ${`${former}.absent`} ]; then rm -f -- ${path} ${`${former}.absent`}
    fi
    ${forgetEmpty(dirname(former))}`
}

/** Writes back what was in a file that cannot be replaced, such as one below /proc/sys. */
export function restoreFormerContent(path: string): Script {
  const former = formerPath(path)
  return sh`
    if [ -e ${former} ]; then cat -- ${former} > ${path}; rm -f -- ${former}; fi
    ${forgetEmpty(dirname(former))}`
}

/** A word, `ours` or `found`: whether Sluice made or replaced what is at `path`. */
export function tellOurs(path: string): Script {
  const former = formerPath(path)
  return sh`if ${isKept(former)}; then echo ours; else echo found; fi`
}

/** Notes that Sluice made something that is not a file, such as an account or a package. */
export function noteMade(kind: string, name: string): Script {
  return sh`mkdir -p -- ${`${stateDirectory}/made/${kind}`}; : > ${`${stateDirectory}/made/${kind}/${name}`}`
}

/** A word, `made` or `found`: whether Sluice made it. */
export function tellMade(kind: string, name: string): Script {
  return sh`if [ -e ${`${stateDirectory}/made/${kind}/${name}`} ]; then echo made; else echo found; fi`
}

export function forgetMade(kind: string, name: string): Script {
  return sh`
    rm -f -- ${`${stateDirectory}/made/${kind}/${name}`}
    ${forgetEmpty(dirname(`${stateDirectory}/made/${kind}/${name}`))}`
}
