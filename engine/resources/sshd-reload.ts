import { sh } from '../shell.ts'
import { dropInDirectory, mainPath } from './sshd-paths.ts'

/** sshd writes it anew each time it reads its files. */
const pidPath = '/run/sshd.pid'

/** The configuration files that the running sshd has not read: whoever changed them, they are not in force. */
const unread = sh`find ${mainPath} ${dropInDirectory} -newercm ${pidPath} 2>/dev/null`

/** A word, `behind` or `loaded`: whether the running sshd has read what is on disk. */
export const tellLoaded = sh`if [ -e ${pidPath} ] && [ -n "$(${unread})" ]; then echo behind; else echo loaded; fi`

/**
 * Where systemd holds the port for sshd (Ubuntu 22.10 and later), another port needs the socket made anew: reading
 * the units again writes it, and it only starts while the service does not run. Sessions outlive both.
 */
export const takeUp = sh`
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
export const startAgain = sh`
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
