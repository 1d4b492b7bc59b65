/** What commands say when something common is wrong, and what is to be done about it. */
const remedies: [RegExp, string][] = [
  [/No space left on device/, 'make room on the host (df -h shows where)'],
  [/Disk quota exceeded/, 'raise the quota of the account, or make room'],
  [/is masked/, 'let the unit be started again (systemctl unmask, on the host)'],
  [/Read-only file system/, 'see why the file system is read-only (dmesg), and mount it for writing'],
  [/address already in use/i, 'find what has the port (ss -ltnp), and stop it or choose another port'],
  [
    /Could not get lock|is held by process/,
    'let the other package manager end (ps shows it: apt, dpkg, unattended-upgrade)',
  ],
  [
    /Unable to locate package|has no installation candidate|Failed to fetch|Unable to fetch/,
    'see on the host whether its package sources can be reached and have it (apt-get update)',
  ],
  [
    /apt would remove these/,
    'remove those on the host yourself (apt-get remove) if nobody needs them, or leave out what wants the other',
  ],
  [
    /dpkg was interrupted|unmet dependencies|Unmet dependencies/,
    'repair its packages (dpkg --configure -a; apt-get --fix-broken install)',
  ],
  [
    /Cannot allocate memory|insufficient memory|OutOfMemoryError|oom-kill/,
    'give the host or the service more memory',
  ],
  [/Invalid cluster\.id/, 'see whether the data directory is of another cluster; nothing in it was changed'],
  [
    /Temporary failure in name resolution|Could not resolve/,
    "see to the host's name resolution (resolv.conf)",
  ],
]

/** The first thing to try, where the words of a failed command are well known. */
export function likelyRemedy(said: string): string | undefined {
  return remedies.find(([pattern]) => pattern.test(said))?.[1]
}
