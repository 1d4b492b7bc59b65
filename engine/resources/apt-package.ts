import * as v from 'valibot'
import { defineResource, run } from '../resource.ts'
import { described, type Script, sh } from '../shell.ts'
import { forgetMade, noteMade, stateDirectory } from './former.ts'

const PackageName = v.pipe(v.string(), v.regex(/^[a-z0-9][a-z0-9+.-]+$/, 'should be a Debian package name'))

const Spec = v.strictObject({
  name: v.pipe(
    v.union([PackageName, v.pipe(v.array(PackageName), v.minLength(1))]),
    v.description('one package, or several that are installed together'),
  ),
})

const names = (name: string | string[]) => [name].flat()
const lists = `${stateDirectory}/apt-lists`

/** What others leave when they have fetched the lists: apt's own periodic work, and apt itself when one was new. */
const listsOfApt = ['/var/lib/apt/periodic/update-success-stamp', '/var/lib/apt/lists']

/** A note for every package that came with one of ours. */
const brought = `${stateDirectory}/made/package-brought`
const allInstalled = sh`dpkg-query --show --showformat='\${Package} \${db:Status-Status}\\n' | sed -n 's/ installed$//p' | sort`

/**
 * Repeats what finds others at work with packages until they have ended. By itself apt waits for the lock of dpkg only, not
 * for those of its lists and archives, and dpkg for none: a new host of a cloud holds them in its first minutes.
 */
const patiently = sh`
patiently() {
  waited=0
  until said=$("$@" 2>&1); do
    code=$?
    case $said in
      *'ould not get lock'* | *'locked by another process'*) ;;
      *) waited=300 ;;
    esac
    if [ "$waited" -ge 300 ]; then printf '%s\\n' "$said" >&2; return "$code"; fi
    waited=$((waited + 1))
    sleep 1
  done
}
`

interface Have {
  installed: Set<string>
  made: string[]
}

/** Debian packages, installed. Which version, the host's own sources decide. None is removed for them. */
export const aptPackage = defineResource<typeof Spec, Have>({
  kind: 'package',
  spec: Spec,
  id: ({ name }) => names(name).join(' '),
  reads: ({ name }) => names(name).map((one) => `package:${one}`),
  touches: ({ name }) => names(name).map((one) => `package:${one}`),

  probe: ({ name }) => ({
    script: tell(names(name)),
    parse: (output) => found(output, names(name)),
  }),

  probeTogether: (specs) => ({
    script: tell([...new Set(specs.flatMap(({ name }) => names(name)))]),
    parse: (output) => specs.map(({ name }) => ({ have: found(output, names(name)) })),
  }),

  diff: ({ name }, have) =>
    names(name)
      .filter((one) => !have?.installed.has(one))
      .map((one) => ({ property: one, have: undefined, want: 'installed' })),

  // An interrupted dpkg is finished first, and the lists are fetched when nobody did within a day, when sources were added
  // since, or when they do not have the package.
  apply({ name }, have) {
    const missing = names(name).filter((one) => !have?.installed.has(one))
    const install = sh`patiently apt-get --quiet --quiet --yes --no-remove --no-install-recommends --option DPkg::Lock::Timeout=300 --option Dpkg::Use-Pty=0 --option Dpkg::Options::=--force-confold install -- ${missing}`
    const update = sh`patiently apt-get --quiet --quiet update; mkdir -p ${stateDirectory}; : > ${lists}`
    const script = sh`
      ${patiently}
      patiently dpkg --configure -a
      before=$(${allInstalled})
      fresh=
      for one in ${lists} ${listsOfApt}; do
        if [ -n "$(find "$one" -maxdepth 0 -mmin -1440 2>/dev/null)" ] &&
          [ -n "$(find /var/lib/apt/lists -maxdepth 1 -name '*Packages*' -print -quit)" ] &&
          [ -z "$(find /etc/apt/sources.list /etc/apt/sources.list.d -newer "$one" 2>/dev/null)" ]; then
          fresh=yes
        fi
      done
      if [ -z "$fresh" ]; then ${update}; fi
      ${install} || { ${refuseRemovals(missing)}; ${update}; ${install} || { ${refuseRemovals(missing)}; exit 100; }; }
      ${missing.map((one) => noteMade('package', one)).reduce((all, one) => sh`${all}; ${one}`, sh`:`)}
      mkdir -p -- ${brought}
      { printf '%s\\n' "$before" "$before"; ${allInstalled}; } | sort | uniq --unique | while read -r one; do : > ${brought}/"$one"; done`
    return [run(described(`install ${missing.join(' ')}`, script), { timeoutSeconds: 1200 })]
  },

  // What came with a package goes with it when nothing else needs it; what nobody needs besides is not ours to remove.
  remove: (_, { made, installed }) => {
    const ours = made.filter((one) => installed.has(one))
    if (ours.length === 0) return []
    const purge = sh`patiently apt-get --quiet --quiet --yes --option DPkg::Lock::Timeout=300 --option Dpkg::Use-Pty=0 purge --`
    const script = sh`
      ${patiently}
      ${purge} ${ours}
      ${ours.map((one) => forgetMade('package', one)).reduce((all, one) => sh`${all}; ${one}`, sh`:`)}
      unneeded=
      for one in $(apt-get --simulate autoremove | sed -n 's/^Remv \\([^ ]*\\).*/\\1/p'); do
        if [ -e ${brought}/"$one" ]; then unneeded="$unneeded $one"; fi
      done
      [ -z "$unneeded" ] || ${purge} $unneeded
      for one in ${ours} $unneeded; do rm -f -- ${brought}/"$one"; done
      rm -f -- ${lists}
      [ -e ${`${stateDirectory}/made/package`} ] || { rm -rf -- ${brought}; rmdir --parents --ignore-fail-on-non-empty -- ${`${stateDirectory}/made`} 2>/dev/null || :; }`
    return [run(described(`remove ${ours.join(' ')}`, script), { timeoutSeconds: 1200 })]
  },
})

/** Of two packages that cannot be together apt would remove the one that is there: somebody wanted that one. */
function refuseRemovals(wanted: readonly string[]): Script {
  return sh`
    taken=$(apt-get --simulate --no-install-recommends install -- ${wanted} 2>/dev/null | sed -n 's/^Remv \\([^ ]*\\).*/\\1/p' | paste -s -d ' ' -)
    [ -z "$taken" ] || { echo ${`apt would remove these to install ${wanted.join(' ')}:`} "$taken" >&2; exit 1; }`
}

/** dpkg-query says 1 when one of the names is not known to it: then that one is not installed. */
function tell(packages: readonly string[]): Script {
  return sh`
    dpkg-query --show --showformat='\${Package} \${db:Status-Status}\\n' ${packages} 2>/dev/null || [ $? -eq 1 ]
    for one in ${packages}; do [ ! -e ${`${stateDirectory}/made/package`}/"$one" ] || echo "$one made"; done`
}

function found(output: readonly string[], packages: readonly string[]): Have | undefined {
  const said = output.map((line) => line.split(' ')).filter(([one = '']) => packages.includes(one))
  const those = (word: string) => said.filter(([, status]) => status === word).map(([one = '']) => one)
  const installed = new Set(those('installed'))
  return installed.size === 0 ? undefined : { installed, made: those('made') }
}
