import { SluiceError } from '../errors.ts'
import { type Script, sh } from '../shell.ts'

/** Who must still be let in, and from where. */
export interface Login {
  user: string
  from: string
}

/** Has `sshd -T` tell what holds for this login. */
export const asLogin = ({ user, from }: Login) => ['-C', `user=${user},host=${from},addr=${from}`]

/** What decides by which keys somebody gets in: the files of keys, and where sshd looks for them. */
export const loginKeys = 'login-keys'

/** Files of keys that may log in, wherever an sshd that is set up as usual looks for them. */
export const isKeys = (path: string) =>
  /\/\.ssh\/authorized_keys2?$/.test(path) || /^\/etc\/ssh\/[^/]*keys[^/]*(\/|$)/.test(path)

/** A line whose options make its key an authority; the words may also be in the value of an option, or in a comment. */
const ofAuthority = '^[[:space:]]*(([^[:space:],"]|"([^"\\\\]|\\\\.)*")*,)*cert-authority[,[:space:]]'

/**
 * Defines `judge_keys NOW LATER [FILE CANDIDATE]`: says why sshd, with the settings in LATER (as `sshd -T` tells them)
 * and CANDIDATE in place of FILE, would not let the controller in by the keys that it offers, in their order. Only a key
 * that the settings in NOW find in a file can be missed in one: others come from a command or an authority.
 */
const definesJudgeKeys = sh`
told() { sed -n "s/^$2 //p" "$1"; }
key_files() {
  set -f
  for pattern in $(told "$1" authorizedkeysfile); do
    [ "$pattern" != none ] || continue
    file=$(printf %s "$pattern" | sed "s#%h#$home#g; s#%u#$SLUICE_USER#g; s#%U#$uid#g; s#%%#%#g")
    case $file in /*) echo "$file" ;; *) echo "$home/$file" ;; esac
  done
  set +f
}
# Fingerprints of the keys by which the settings in $1 let the user in. sshd reads the files as that user does.
let_in() {
  algorithms=,$(told "$1" pubkeyacceptedalgorithms), least=$(told "$1" requiredrsasize) strict=$(told "$1" strictmodes)
  key_files "$1" | while IFS= read -r file; do
    [ "$file" != "\${2:-}" ] || file=$3
    [ -f "$file" ] || continue
    [ "$strict" != yes ] || [ -z "$(find -L "$file" \\( -perm /022 -o ! \\( -uid 0 -o -uid "$uid" \\) \\))" ] || continue
    setpriv --reuid="$uid" --regid="$gid" --init-groups cat -- "$file" 2>/dev/null || :
    echo
  done | grep -viE ${ofAuthority} | ssh-keygen -lf - 2>/dev/null | while read -r bits print rest; do
    case $rest in
      *'(ED25519)') names=ssh-ed25519 ;;
      *'(RSA)') names='rsa-sha2-512 rsa-sha2-256'; [ "$bits" -ge "\${least:-0}" ] || continue ;;
      *'(ECDSA)') names=ecdsa-sha2-nistp$bits ;;
      *'(ED25519-SK)') names=sk-ssh-ed25519@openssh.com ;;
      *'(ECDSA-SK)') names=sk-ecdsa-sha2-nistp256@openssh.com ;;
      *) continue ;;
    esac
    for name in $names; do case $algorithms in *",$name,"*) echo "$print"; break ;; esac; done
  done
}
# The place, among those that the controller offers, of the first key that is in the list.
place_in() {
  place=0
  for key in $SLUICE_KEYS; do
    place=$((place + 1))
    case " $1 " in *" $key "*) echo "$place"; return ;; esac
  done
}
judge_keys() {
  uid=$(id -u "$SLUICE_USER") && gid=$(id -g "$SLUICE_USER") || return 0
  home=$(getent passwd "$SLUICE_USER" | cut -d: -f6)
  now=$(place_in "$(let_in "$1" | tr '\\n' ' ')")
  later=$(place_in "$(let_in "$2" "\${3:-}" "\${4:-}" | tr '\\n' ' ')")
  if [ -n "$now" ] && [ -z "$later" ]; then
    [ "$(told "$2" authorizedkeyscommand)" = none ] || return 0
    files=$(key_files "$2" | tr '\\n' ' ')
    echo "sshd would no longer take the key by which the controller logs in as $SLUICE_USER, \${SLUICE_KEYS##* }: none of its files of keys (\${files% }) would have it so that it is accepted"
    return
  fi
  [ -n "$later" ] || later=$(echo $SLUICE_KEYS | wc -w)
  tries=$(told "$2" maxauthtries)
  [ "$later" -le "$tries" ] || echo "sshd would end the login of the controller before the key that lets it in as $SLUICE_USER: that is number $later of those that it offers, and MaxAuthTries would be $tries"
}`

/** Defines `judge_host_keys NOW LATER`: says why the controller would not know the host any more by its keys. */
const definesJudgeHostKeys = sh`
# Those of the host's keys that are on record and that the settings in $1 show. One whose type is not told may be one.
shown() {
  algorithms=,$(told "$1" hostkeyalgorithms),
  told "$1" hostkey | while IFS= read -r file; do
    [ -e "$file" ] || continue
    [ -r "$file.pub" ] || { echo "$file"; continue; }
    read -r type rest < "$file.pub"
    case " $SLUICE_HOST_KEYS " in *" $type "*) ;; *) continue ;; esac
    case $type in ssh-rsa) names='rsa-sha2-512 rsa-sha2-256' ;; *) names=$type ;; esac
    for name in $names; do case $algorithms in *",$name,"*) echo "$file"; break ;; esac; done
  done
}
judge_host_keys() {
  [ -n "\${SLUICE_HOST_KEYS:-}" ] && [ -n "$(shown "$1")" ] && [ -z "$(shown "$2")" ] || return 0
  echo "sshd would no longer show a host key that is on record for it: that is $SLUICE_HOST_KEYS"
}`

/**
 * Says why the controller and sshd, with the settings in `$work/told` (as `sshd -T` tells them for this login), would not
 * know one another by their keys. What sshd itself says, of an option that is obsolete for one, is no such reason.
 */
export const tellKeysBySettings = (login: Login): Script => sh`
if [ "\${SLUICE_USER:-}" = ${login.user} ]; then
  ${definesJudgeKeys}
  ${definesJudgeHostKeys}
  sshd -T ${asLogin(login)} > "$work/now" 2>/dev/null
  [ -z "\${SLUICE_KEYS:-}" ] || judge_keys "$work/now" "$work/told"
  judge_host_keys "$work/now" "$work/told"
fi`

export interface KeyFileSpec {
  path: string
  mode: string
  owner: string
  group: string
}

/** A line: why sshd would not let the controller in by its keys with this file in place; an empty one where it would. */
export const tellKeysByFile = ({ path, mode, owner, group }: KeyFileSpec, writeTo: Script): Script => sh`
echo "$(
  [ -n "\${SLUICE_KEYS:-}" ] && [ -x /usr/sbin/sshd ] || exit 0
  ${definesJudgeKeys}
  work=$(mktemp -d /run/sluice-keys.XXXXXX)
  trap 'rm -rf -- "$work"' EXIT
  sshd -T -C "user=$SLUICE_USER,host=$SLUICE_CLIENT,addr=$SLUICE_CLIENT" > "$work/now" 2>/dev/null || exit 0
  file=$work/candidate
  ${writeTo}
  chown -- ${`${owner}:${group}`} "$file" 2>/dev/null || exit 0
  chmod ${mode} "$file"
  chmod 0755 "$work"
  judge_keys "$work/now" "$work/now" ${path} "$work/candidate"
)"`

/** LOCKOUT_PREVENTED in the words of the host; nothing where it has none. */
export function refusalByKeys(words: string, fix: string): SluiceError | undefined {
  if (words === '') return undefined
  const ofHost = /host key/.test(words)
  return new SluiceError('LOCKOUT_PREVENTED', {
    subject: words,
    why: 'the host was asked, with the files and settings as they would be',
    advice: ofHost
      ? `${fix}, or put another key of the host on record first: as hostKeys in the inventory, or into the known-hosts file (ssh-keyscan shows them)`
      : `${fix}, or name the private half of a key that will be there as identityFile in the inventory: it is then offered alone`,
  })
}
