import * as v from 'valibot'
import { type Change, defineResource, run } from '../resource.ts'
import { AccountName, Address, Port } from '../schemas.ts'
import { described, lines, type Script, sh, write } from '../shell.ts'
import { keepFormer, restoreFormer, tellOurs } from './former.ts'

const Spec = v.strictObject({
  content: v.pipe(v.string(), v.description('the whole drop-in')),
  port: v.pipe(
    v.optional(Port),
    v.description('where the controller finds sshd afterwards, when that is not where it does now'),
  ),
  login: v.pipe(
    v.optional(v.strictObject({ user: AccountName, from: Address })),
    v.description('who must still be let in, and from where; sshd is asked before the drop-in is in place'),
  ),
})
type Spec = v.InferOutput<typeof Spec>

interface Have {
  content: string | undefined
  mode: string
  /** Whether `sshd_config` reads the drop-ins before anything else. */
  included: boolean
  /** Whether the running sshd has read what is on disk. */
  loaded: boolean
  /** Settings of the drop-in that something which is read earlier takes the effect from, as sshd tells both. */
  overruled: { setting: string; have: string; want: string }[]
  ours: boolean
}

const mainPath = '/etc/ssh/sshd_config'
const dropInDirectory = '/etc/ssh/sshd_config.d'
const dropInPath = `${dropInDirectory}/10-sluice.conf`
const include = `Include ${dropInDirectory}/*.conf`
const pidPath = '/run/sshd.pid'

/** Prints the first line of sshd_config that says something. */
const firstLine = sh`awk '!/^[[:space:]]*(#|$)/ { $1 = $1; print; exit }' ${mainPath}`

/**
 * The configuration files that the running sshd has not read. It writes its pid file anew each time it reads them, so
 * whatever changed after that is not in force, whoever changed it.
 */
const unread = sh`find ${mainPath} ${dropInDirectory} -newercm ${pidPath} 2>/dev/null`

/** Prints what sshd makes of a file; with a mistake in it, less than all or nothing. */
const tellSettings = (file: string, login: Spec['login']) =>
  sh`sshd -T -f ${file} ${login === undefined ? [] : ['-C', `user=${login.user},host=${login.from},addr=${login.from}`]} || :`

/** Settings that sshd makes of the file in $1, for those that the drop-in in $2 names. It tells lists twice of included files. */
const effective = (login: Spec['login']) => sh`
effective() {
  ${login === undefined ? sh`set -- "$1" "$2"` : sh`set -- "$1" "$2" -C ${`user=${login.user},host=${login.from},addr=${login.from}`}`}
  file=$1; part=$2; shift 2
  sshd -T -f "$file" "$@" | awk -v part="$part" '
    BEGIN { while ((getline line < part) > 0) if (line !~ /^[[:space:]]*(#|$)/) { split(line, word, " "); named[tolower(word[1])] = 1 } }
    $1 in named' | sort --unique
}`

/**
 * The drop-in of sshd, in force. It is judged by sshd as part of the whole configuration before it is in place, and
 * taken up by a reload, which leaves the sessions that are there alone.
 */
export const sshdConfig = defineResource<typeof Spec, Have>({
  kind: 'sshd',
  spec: Spec,
  id: () => dropInPath,
  reads: () => ['package:openssh-server', `path:${mainPath}`, `path:${dropInDirectory}`],
  touches: () => [`path:${mainPath}`, `path:${dropInPath}`, 'unit:ssh.service'],
  guard: ({ port }) => ({ paths: [dropInPath, mainPath], restore: startAgain, sshPort: port }),

  probe: ({ login }) => ({
    script: sh`
      [ -x /usr/sbin/sshd ] || exit 0
      ${tellOurs(dropInPath)}
      ${firstLine}
      if [ -e ${pidPath} ] && [ -n "$(${unread})" ]; then echo behind; else echo loaded; fi
      if [ -f ${dropInPath} ]; then
        stat --format=%a ${dropInPath}
        ${tellSettings(mainPath, login)}
        echo alone
        ${tellSettings(dropInPath, login)}
        echo content
        cat ${dropInPath}; echo .
      fi`,
    parse: (output) => (output.length === 0 ? undefined : parseSshd(output)),
  }),

  diff({ content }, have) {
    const changes: Change[] = []
    if (have?.content !== content) {
      const size = (text: string) => `${text.split('\n').length - 1} lines`
      changes.push({
        property: 'content',
        have: have?.content === undefined ? undefined : size(have.content),
        want: size(content),
        text: { have: have?.content, want: content },
      })
    } else if (have.mode !== '600') changes.push({ property: 'mode', have: have.mode, want: '600' })
    if (have === undefined) return changes
    if (!have.included)
      changes.push({ property: 'sshd_config', have: 'other settings first', want: `${include} first` })
    if (have.content === content) {
      for (const { setting, ...sides } of have.overruled) changes.push({ property: setting, ...sides })
    }
    if (!have.loaded && changes.length === 0)
      changes.push({
        property: 'loaded',
        have: 'what was on disk when sshd read it',
        want: 'what is on disk',
      })
    return changes
  },

  apply: ({ content, login }, have) => [
    run(
      described(
        `put ${dropInPath} in force`,
        lines([
          // A prefix in place of the real directory lets sshd judge the whole as it will be.
          sh`
work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT
mkdir -p ${dropInDirectory} "$work/sshd_config.d"
cp --archive -- ${dropInDirectory}/. "$work/sshd_config.d"
${write('/etc/ssh/.sluice-staged', content)}
mv -- /etc/ssh/.sluice-staged "$work/sshd_config.d/10-sluice.conf"
[ "$(${firstLine})" = ${include} ] && cp -- ${mainPath} "$work/main" || { echo ${include}; cat ${mainPath}; } > "$work/main"
sed "s#\\(/etc/ssh/\\)\\{0,1\\}sshd_config\\.d/#$work/sshd_config.d/#" "$work/main" > "$work/judged"
mkdir -p /run/sshd
sshd -t -f "$work/judged"
${effective(login)}
effective "$work/judged" "$work/sshd_config.d/10-sluice.conf" > "$work/whole"
effective "$work/sshd_config.d/10-sluice.conf" "$work/sshd_config.d/10-sluice.conf" > "$work/alone"
diff "$work/whole" "$work/alone" >&2 || { echo ${`a file that sorts before ${dropInPath} sets these first: take them out there`} >&2; exit 1; }`,
          login === undefined ? sh`:` : loginCheck(login),
          sh`
listening() { sshd -T | grep -E '^(port|listenaddress) '; }
before=$(listening || :)
${keepFormer(dropInPath, have?.content !== undefined)}
chown root:root "$work/sshd_config.d/10-sluice.conf"; chmod 0600 "$work/sshd_config.d/10-sluice.conf"
if ! cmp -s "$work/main" ${mainPath}; then
  ${keepFormer(mainPath, true)}
  cp --preserve=mode,ownership --attributes-only -- ${mainPath} "$work/main"
  cp --archive -- "$work/main" ${`${mainPath}.sluice-staged`}
  mv --no-target-directory -- ${`${mainPath}.sluice-staged`} ${mainPath}
fi
cp --archive -- "$work/sshd_config.d/10-sluice.conf" ${`${dropInPath}.sluice-staged`}
mv --no-target-directory -- ${`${dropInPath}.sluice-staged`} ${dropInPath}
after=$(listening)
${takeUp}`,
        ]),
      ),
    ),
  ],

  remove: (_, { ours }) =>
    ours
      ? [
          run(sh`
            listening() { sshd -T | grep -E '^(port|listenaddress) '; }
            before=$(listening)
            ${restoreFormer(dropInPath)}
            ${restoreFormer(mainPath)}
            after=$(listening)
            ${takeUp}`),
        ]
      : [],
})

/**
 * Where systemd holds the port for sshd (Ubuntu 22.10 and later), another port needs the socket made anew: reading
 * the units again writes it, and it only starts while the service does not run. Sessions outlive both.
 */
const takeUp = sh`
if systemctl is-active --quiet ssh.socket && [ "$before" != "$after" ]; then
  systemctl daemon-reload
  systemctl stop ssh.service
  systemctl restart ssh.socket
  systemctl start ssh.service
elif systemctl is-active --quiet ssh.service; then
  systemctl reload ssh.service
fi
# sshd has read its files when its pid file is newer than they are.
tries=0
while systemctl is-active --quiet ssh.service && { [ ! -e ${pidPath} ] || [ -n "$(${unread})" ]; }; do
  tries=$((tries + 1))
  [ "$tries" -lt 100 ] || { echo 'sshd did not read its configuration again' >&2; exit 1; }
  sleep 0.05
done`

/** Back to what is on disk, from any state: also from an sshd that runs no more, or listens elsewhere. */
const startAgain = sh`
if [ "$cause" = boot ]; then
  # The socket's port was written before the former files were back.
  [ ! -e /lib/systemd/system-generators/sshd-socket-generator ] || systemctl daemon-reload
elif systemctl is-active --quiet ssh.socket; then
  systemctl daemon-reload
  systemctl stop ssh.service
  systemctl restart ssh.socket
  systemctl start ssh.service
else
  systemctl reset-failed ssh.service
  systemctl reload-or-restart ssh.service || systemctl restart ssh.service
fi`

/** Whether sshd, as it will be, lets the user in by key from where the controller is. */
function loginCheck({ user, from }: { user: string; from: string }): Script {
  return sh`
sshd -T -f "$work/judged" -C ${`user=${user},host=${from},addr=${from}`} > "$work/login"
setting() { sed -n "s/^$1 //p" "$work/login"; }
refuse() { echo "sshd would not let ${user} in from ${from}: $*" >&2; exit 1; }
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

function parseSshd([mark, firstLine, loaded, mode, ...rest]: string[]): Have {
  const found = { ours: mark === 'ours', included: firstLine === include, loaded: loaded === 'loaded' }
  if (mode === undefined) return { ...found, mode: '', content: undefined, overruled: [] }
  const [alone, start] = [rest.indexOf('alone'), rest.indexOf('content')]
  const content = rest
    .slice(start + 1)
    .join('\n')
    .slice(0, -1)
  return {
    ...found,
    mode,
    content,
    overruled: overruled(content, rest.slice(0, alone), rest.slice(alone + 1, start)),
  }
}

/** The settings that the drop-in names and that are not what it says. sshd tells lists twice of included files. */
function overruled(content: string, whole: readonly string[], alone: readonly string[]): Have['overruled'] {
  const nameOf = (line: string) => line.trim().split(/\s+/)[0]?.toLowerCase() ?? ''
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
  }))
}
