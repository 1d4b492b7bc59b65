import { SluiceError } from '../errors.ts'
import { type Script, sh } from '../shell.ts'
import { asLogin, type Login, loginKeys, refusalByKeys, tellKeysBySettings } from './login-keys.ts'
import { dropInDirectory, dropInPath, firstLine, include, mainPath } from './sshd-paths.ts'

/** A setting of the drop-in that something which is read earlier takes the effect from, as sshd tells both. */
export interface Overruled {
  setting: string
  have: string
  want: string
  /** The files that sort before ours and set it, with what they say. */
  by: string[]
}

/** What sshd makes of its configuration as it will be. */
export interface Judgement {
  overruled: Overruled[]
  /** Why it would not let the controller in; empty where it would. */
  lockout: string
  /** Why it would not by the keys that the controller offers; empty where it would. */
  keys: string
}

/**
 * Puts the configuration as it will be into `$work`, for sshd to judge: `main` is what sshd_config will be, `judged` the
 * same with a prefix in place of the real directory, `sshd_config.d/10-sluice.conf` the drop-in.
 */
export const stages = (content: string) => sh`
work=$(mktemp -d /run/sluice-sshd.XXXXXX)
trap 'rm -rf -- "$work"' EXIT
mkdir "$work/sshd_config.d"
[ ! -d ${dropInDirectory} ] || cp --archive -- ${dropInDirectory}/. "$work/sshd_config.d"
rm -f -- "$work/sshd_config.d/10-sluice.conf"
printf %s ${content} > "$work/sshd_config.d/10-sluice.conf"
[ "$(${firstLine})" = ${include} ] && cp -- ${mainPath} "$work/main" || { echo ${include}; cat ${mainPath}; } > "$work/main"
sed "s#\\(/etc/ssh/\\)\\{0,1\\}sshd_config\\.d/#$work/sshd_config.d/#" "$work/main" > "$work/judged"`

const asAnyLogin = (login: Login | undefined) => (login === undefined ? [] : asLogin(login))

/**
 * Prints, for `parseJudgement`, what sshd makes of the configuration as it will be. Where that is as it is, nothing is
 * copied. Nothing is judged by what sshd says beside it: it also names options there that it only passes over.
 */
export const tellJudgement = (content: string, login: Login | undefined) => sh`
told() { sshd -T -f "$1" ${asAnyLogin(login)} 2>/dev/null; }
judged=
if [ -f ${dropInPath} ] && printf %s ${content} | cmp -s - ${dropInPath} && [ "$(${firstLine})" = ${include} ]; then
  part=${dropInPath}
  echo whole
  told ${mainPath} || :
else
  ${stages(content)}
  part=$work/sshd_config.d/10-sluice.conf
  echo whole
  told "$work/judged" > "$work/told" && judged=yes || :
  cat "$work/told"
fi
echo alone
told "$part" || :
echo earlier
for file in ${dropInDirectory}/*.conf; do
  case $file in ${dropInPath}) break ;; esac
  [ ! -f "$file" ] || grep -HE '^[[:space:]]*[a-zA-Z]' -- "$file" || :
done
echo login
${login === undefined ? sh`:` : sh`[ -z "$judged" ] || ( ${loginCheck(login)} ) || :`}
echo keys
${login === undefined ? sh`:` : sh`[ -z "$judged" ] || ( ${tellKeysBySettings(login)} ) || :`}`

export function parseJudgement(content: string, output: readonly string[]): Judgement {
  const [whole, alone, earlier, login, keys] = ['whole', 'alone', 'earlier', 'login', 'keys'].map((word) =>
    output.indexOf(word),
  )
  const settings = output.slice((whole ?? 0) + 1, alone)
  return {
    // With a mistake in it, sshd tells nothing; the step then says what it is.
    overruled:
      settings.length === 0
        ? []
        : overruled(
            content,
            settings,
            output.slice((alone ?? 0) + 1, earlier),
            output.slice((earlier ?? 0) + 1, login),
          ),
    lockout: output.slice((login ?? 0) + 1, keys).join('\n'),
    keys: output.slice((keys ?? 0) + 1).join('\n'),
  }
}

/**
 * LOCKOUT_PREVENTED or OVERRULED, where sshd would not let the controller in or would not heed the drop-in.
 *
 * @param pending what earlier changes touch: they may take away what stands in the way
 */
export function refusalBy(
  { lockout, keys, overruled: settings }: Judgement,
  pending: readonly string[],
): SluiceError | undefined {
  if (pending.some((subject) => subject !== loginKeys)) return undefined
  if (lockout !== '') {
    return new SluiceError('LOCKOUT_PREVENTED', {
      subject: lockout,
      why: `sshd was asked (sshd -T) with ${dropInPath} as it will be`,
      advice:
        'change the setting where it is made, in the variables or in a file on the host, then run again',
    })
  }
  const byKeys =
    pending.length === 0 ? refusalByKeys(keys, 'change the setting or the file of keys') : undefined
  if (byKeys !== undefined || settings.length === 0) return byKeys
  const files = [...new Set(settings.flatMap(({ by }) => by.map((line) => line.split(':')[0] ?? '')))]
  return new SluiceError('OVERRULED', {
    subject: `sshd would not heed ${dropInPath} in ${settings.map(({ setting }) => setting).join(', ')}: ${files.join(', ') || 'something else'} is read before it`,
    why: settings
      .map(
        ({ setting, have, want, by }) =>
          `${setting} would be ${have || 'unset'}, should be ${want || 'unset'}${by.length === 0 ? '' : ` (${by.join('; ')})`}`,
      )
      .join('\n'),
    advice: `take these settings out of ${files.join(', ') || 'what sshd reads first'}, or declare the same values, then run again`,
  })
}

/**
 * Ends with an error where sshd does not take the configuration as it will be, would not heed the drop-in or would not
 * let the login in. It tells lists twice of included files.
 */
export const accept = (login: Login | undefined) => sh`
part=$work/sshd_config.d/10-sluice.conf
sshd -T -f "$work/judged" ${asAnyLogin(login)} > "$work/told"
sshd -T -f "$part" ${asAnyLogin(login)} > "$work/alone"
settings() {
  awk -v part="$part" '
    BEGIN { while ((getline line < part) > 0) if (line !~ /^[[:space:]]*(#|$)/) { split(line, word, " "); named[tolower(word[1])] = 1 } }
    $1 in named' "$1" | sort --unique
}
settings "$work/told" > "$work/have"
settings "$work/alone" > "$work/want"
diff "$work/have" "$work/want" >&2 || { echo ${`a file that sorts before ${dropInPath} sets these first: take them out there`} >&2; exit 1; }
${login === undefined ? sh`:` : sh`( ${loginCheck(login)} ) >&2`}`

/** Says why sshd, with the settings in `$work/told`, would not let the user in by key from where the controller is. */
function loginCheck({ user, from }: Login): Script {
  return sh`
setting() { sed -n "s/^$1 //p" "$work/told"; }
refuse() { echo "sshd would not let ${user} in from ${from}: $*"; exit 1; }
[ "$(setting pubkeyauthentication)" = yes ] || refuse 'PubkeyAuthentication is not yes'
case $(setting authenticationmethods) in any | publickey | *' publickey' | 'publickey '* | *' publickey '*) ;; *) refuse "AuthenticationMethods is $(setting authenticationmethods)" ;; esac
if [ ${user} = root ] && [ "$(setting permitrootlogin)" = no ]; then refuse 'PermitRootLogin is no'; fi
# Patterns as sshd has them: names with * and ?, after @ an address.
named() {
  for pattern in $(setting "$1"); do
    case $pattern in *@*) case ${from} in \${pattern#*@}) ;; *) continue ;; esac ;; esac
    for name in $2; do case $name in \${pattern%%@*}) return 0 ;; esac; done
  done
  return 1
}
set -f
[ -z "$(setting allowusers)" ] || named allowusers ${user} || refuse "AllowUsers is $(setting allowusers | tr '\\n' ' ')"
[ -z "$(setting denyusers)" ] || ! named denyusers ${user} || refuse "DenyUsers is $(setting denyusers | tr '\\n' ' ')"
groups=$(id -Gn ${user})
[ -z "$(setting allowgroups)" ] || named allowgroups "$groups" || refuse "AllowGroups is $(setting allowgroups | tr '\\n' ' ')"
[ -z "$(setting denygroups)" ] || ! named denygroups "$groups" || refuse "DenyGroups is $(setting denygroups | tr '\\n' ' ')"
set +f`
}

/** The settings that the drop-in names and that are not what it says. sshd tells lists twice of included files. */
function overruled(
  content: string,
  whole: readonly string[],
  alone: readonly string[],
  earlier: readonly string[],
): Overruled[] {
  const named = new Set(
    content
      .split('\n')
      .filter((line) => !/^\s*(#|$)/.test(line))
      .map(nameOf),
  )
  const [have, want] = [whole, alone].map((lines) => new Set(lines.filter((line) => named.has(nameOf(line)))))
  if (have === undefined || want === undefined) return []
  const values = (lines: ReadonlySet<string>, setting: string) =>
    [...lines]
      .filter((line) => nameOf(line) === setting)
      .map((line) => line.slice(setting.length + 1))
      .toSorted()
      .join(' ')
  const differing = [...have.symmetricDifference(want)].map(nameOf)
  return [...new Set(differing)].toSorted().map((setting) => ({
    setting,
    have: values(have.difference(want), setting),
    want: values(want.difference(have), setting),
    by: earlier.filter((line) => nameOf(line.slice(line.indexOf(':') + 1)) === setting),
  }))
}

/** The setting that a line is about, as sshd tells it. */
const nameOf = (line: string) =>
  line
    .trim()
    .split(/[\s=]+/)[0]
    ?.toLowerCase() ?? ''
