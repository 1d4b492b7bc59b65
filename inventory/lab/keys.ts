import { existsSync } from 'node:fs'
import { chown, mkdir, readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { onController } from './controller.ts'

/** Makes the key that logs in on every host of the lab, unless it is there. Whoever ran sudo may use it too. */
export async function ensureIdentity(file: string): Promise<void> {
  if (existsSync(file)) return
  await mkdir(dirname(file), { recursive: true })
  await onController()`ssh-keygen -q -t ed25519 -N '' -C ${'sluice lab'} -f ${file}`
  const { SUDO_UID, SUDO_GID } = process.env
  if (SUDO_UID !== undefined && SUDO_GID !== undefined) await chown(file, Number(SUDO_UID), Number(SUDO_GID))
}

/**
 * Makes the host keys of a host, so that they are known before its first boot.
 *
 * @param directory the `etc/ssh` of that host
 * @returns the public keys, as `type base64`
 */
export async function makeHostKeys(directory: string, host: string): Promise<string[]> {
  return Promise.all(
    ['ed25519', 'ecdsa'].map(async (type) => {
      const file = join(directory, `ssh_host_${type}_key`)
      await onController()`ssh-keygen -q -t ${type} -N '' -C ${`root@${host}`} -f ${file}`
      return (await readFile(`${file}.pub`, 'utf8')).split(' ').slice(0, 2).join(' ')
    }),
  )
}
