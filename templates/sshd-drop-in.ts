import type { SshAlgorithms } from './sshd-algorithms.ts'

export interface SshdSettings {
  algorithms: SshAlgorithms
  /** Left out: the port that sshd listens on stays. */
  port?: number | undefined
  rootLogin: 'no' | 'prohibit-password'
  allowUsers: string[]
  loginGraceSeconds: number
  maxAuthTries: number
  /** Where connections may be forwarded to, as `address:port`. */
  permitOpen: string[]
  /** Whether this sshd knows `RequiredRSASize` (OpenSSH 9.1). */
  knowsRsaSize: boolean
}

/** The drop-in for sshd: logins by key only, today's algorithms, and forwarding to nothing but the host's services. */
export function sshdDropIn(settings: SshdSettings): string {
  const { algorithms, port, allowUsers, permitOpen } = settings
  return [
    '# Written by Sluice; a change made here is undone by the next run.',
    ...(port === undefined ? [] : [`Port ${port}`]),
    `KexAlgorithms ${algorithms.kex.join(',')}`,
    `Ciphers ${algorithms.ciphers.join(',')}`,
    `MACs ${algorithms.macs.join(',')}`,
    `HostKeyAlgorithms ${algorithms.hostKeys.join(',')}`,
    ...(settings.knowsRsaSize ? ['RequiredRSASize 2048'] : []),
    '',
    'PubkeyAuthentication yes',
    'AuthenticationMethods publickey',
    'PasswordAuthentication no',
    'KbdInteractiveAuthentication no',
    'PermitEmptyPasswords no',
    'HostbasedAuthentication no',
    'GSSAPIAuthentication no',
    'KerberosAuthentication no',
    'IgnoreRhosts yes',
    'IgnoreUserKnownHosts yes',
    'StrictModes yes',
    'UsePAM yes',
    `PermitRootLogin ${settings.rootLogin}`,
    ...(allowUsers.length === 0 ? [] : [`AllowUsers ${allowUsers.join(' ')}`]),
    '',
    `LoginGraceTime ${settings.loginGraceSeconds}`,
    `MaxAuthTries ${settings.maxAuthTries}`,
    'MaxSessions 10',
    'MaxStartups 10:30:60',
    'ClientAliveInterval 300',
    'ClientAliveCountMax 3',
    'TCPKeepAlive no',
    'Compression no',
    'UseDNS no',
    'LogLevel VERBOSE',
    'DebianBanner no',
    '',
    'AllowTcpForwarding local',
    `PermitOpen ${permitOpen.length === 0 ? 'none' : permitOpen.join(' ')}`,
    'PermitListen none',
    'AllowStreamLocalForwarding no',
    'AllowAgentForwarding no',
    'X11Forwarding no',
    'GatewayPorts no',
    'PermitTunnel no',
    'PermitUserEnvironment no',
    '',
  ].join('\n')
}
