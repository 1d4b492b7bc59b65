/** What sshd offers, best first. */
export interface SshAlgorithms {
  kex: string[]
  ciphers: string[]
  macs: string[]
  hostKeys: string[]
}

const groups = [
  'diffie-hellman-group16-sha512',
  'diffie-hellman-group18-sha512',
  'diffie-hellman-group-exchange-sha256',
]
const curve = ['curve25519-sha256', 'curve25519-sha256@libssh.org']

/** As ssh-audit 3.9 orders them for Debian 12, Ubuntu 22.04 (policy 6) and Ubuntu 24.04 (policy 2). */
const hardened: SshAlgorithms = {
  kex: ['sntrup761x25519-sha512@openssh.com', ...curve, ...groups],
  ciphers: [
    'chacha20-poly1305@openssh.com',
    'aes256-gcm@openssh.com',
    'aes256-ctr',
    'aes192-ctr',
    'aes128-gcm@openssh.com',
    'aes128-ctr',
  ],
  macs: ['hmac-sha2-256-etm@openssh.com', 'hmac-sha2-512-etm@openssh.com', 'umac-128-etm@openssh.com'],
  hostKeys: [
    'sk-ssh-ed25519-cert-v01@openssh.com',
    'ssh-ed25519-cert-v01@openssh.com',
    'rsa-sha2-512-cert-v01@openssh.com',
    'rsa-sha2-256-cert-v01@openssh.com',
    'sk-ssh-ed25519@openssh.com',
    'ssh-ed25519',
    'rsa-sha2-512',
    'rsa-sha2-256',
  ],
}

/** The algorithms for the OpenSSH of a distribution's release: Debian 12 has 9.2, Ubuntu 22.04 8.9, Ubuntu 24.04 9.6. */
export function hardenedAlgorithms(distribution: string, release: string): SshAlgorithms {
  if (distribution === 'ubuntu' && release === '24.04') {
    return {
      ...hardened,
      kex: [
        'sntrup761x25519-sha512@openssh.com',
        ...curve,
        'diffie-hellman-group18-sha512',
        'diffie-hellman-group-exchange-sha256',
        'diffie-hellman-group16-sha512',
      ],
      macs: ['hmac-sha2-512-etm@openssh.com', 'hmac-sha2-256-etm@openssh.com', 'umac-128-etm@openssh.com'],
    }
  }
  // Debian's OpenSSH 9.2 has the final name of this exchange from a later release beside the first one.
  if (distribution === 'debian') return { ...hardened, kex: ['sntrup761x25519-sha512', ...hardened.kex] }
  return hardened
}

/** What the controller's own client, ssh2 1.17, can speak of these kinds; a test compares it with that client. */
export const controllerAlgorithms: SshAlgorithms = {
  kex: [
    ...curve,
    'ecdh-sha2-nistp256',
    'ecdh-sha2-nistp384',
    'ecdh-sha2-nistp521',
    'diffie-hellman-group-exchange-sha256',
    'diffie-hellman-group14-sha256',
    'diffie-hellman-group15-sha512',
    'diffie-hellman-group16-sha512',
    'diffie-hellman-group17-sha512',
    'diffie-hellman-group18-sha512',
  ],
  ciphers: [
    'aes128-gcm@openssh.com',
    'aes256-gcm@openssh.com',
    'aes128-ctr',
    'aes192-ctr',
    'aes256-ctr',
    'chacha20-poly1305@openssh.com',
  ],
  macs: [
    'hmac-sha2-256-etm@openssh.com',
    'hmac-sha2-512-etm@openssh.com',
    'hmac-sha1-etm@openssh.com',
    'hmac-sha2-256',
    'hmac-sha2-512',
    'hmac-sha1',
  ],
  hostKeys: [
    'ssh-ed25519',
    'ecdsa-sha2-nistp256',
    'ecdsa-sha2-nistp384',
    'ecdsa-sha2-nistp521',
    'rsa-sha2-512',
    'rsa-sha2-256',
    'ssh-rsa',
  ],
}
