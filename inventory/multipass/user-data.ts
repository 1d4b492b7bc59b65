/**
 * What cloud-init makes of an instance at its first start: an account that may log in with our key and become root.
 * The account `ubuntu` stays: by it Multipass itself gets in.
 */
export function userData({ user, publicKey }: { user: string; publicKey: string }): string {
  const content = {
    ssh_pwauth: false,
    users: [
      'default',
      {
        name: user,
        shell: '/bin/bash',
        lock_passwd: true,
        sudo: 'ALL=(ALL) NOPASSWD:ALL',
        ssh_authorized_keys: [publicKey],
      },
    ],
  }
  // JSON is YAML, and leaves nothing to be quoted by hand.
  return `#cloud-config\n${JSON.stringify(content, undefined, 2)}\n`
}
