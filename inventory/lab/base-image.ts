import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { chmod, cp, glob, mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { SluiceError } from '../../engine/errors.ts'
import type { InventoryProgress } from '../../engine/inventory.ts'
import { type BaseRecipe, readRecipe } from './base-recipe.ts'
import { onController } from './controller.ts'
import { certificateBundle, certificatesIn } from './controller-trust.ts'
import { removeIfEmpty } from './directories.ts'
import { withLock } from './lock.ts'
import type { LabSettings } from './settings.ts'

/** What a fresh cloud server has, as far as the roles or a person at the shell would miss it. */
const packages = [
  'apt',
  'systemd',
  'systemd-sysv',
  'dbus',
  'openssh-server',
  'sudo',
  'ufw',
  'iproute2',
  'python3',
  'ca-certificates',
  'procps',
  'iputils-ping',
]

/** The account that people and Sluice log in as. */
export const labUser = 'sluice'

/** Runs inside the new image. Its host keys and machine id would otherwise be the same on every host. */
const finish = `
set -e
useradd --create-home --shell /bin/bash --user-group ${labUser}
printf '%s\\n' '${labUser} ALL=(ALL) NOPASSWD:ALL' > /etc/sudoers.d/90-${labUser}
chmod 0440 /etc/sudoers.d/90-${labUser}
# Where the release has sshd started by a socket, it stays so.
systemctl is-enabled --quiet ssh.socket || systemctl enable ssh.service
systemctl enable systemd-networkd.service
systemctl mask console-getty.service getty@.service getty.target systemd-resolved.service systemd-logind.service
update-ca-certificates
printf '%s\\n' LANG=C.UTF-8 > /etc/default/locale
rm -f /etc/ssh/ssh_host_* /etc/hostname /etc/resolv.conf /var/log/*.log /var/log/apt/*
: > /etc/machine-id
`

/**
 * The base image for this machine's release and network, made when it is not there yet. It is complete or absent,
 * and made by one process at a time.
 */
export async function ensureBase(
  settings: LabSettings,
  progress: InventoryProgress,
  signal?: AbortSignal,
): Promise<string> {
  const recipe = await readRecipe(settings)
  const digest = createHash('sha256')
    .update(JSON.stringify([recipe, packages, finish, process.arch]))
    .digest('hex')
  const base = join(settings.cache, `base-${recipe.suite}-${digest.slice(0, 12)}`)
  if (existsSync(base)) return base
  const options = { signal, onWait: () => progress('waiting for another run to finish the base image') }
  await withLock(
    join(settings.cache, 'base.lock'),
    async () => {
      if (!existsSync(base)) await build(base, recipe, progress, signal)
    },
    options,
  )
  return base
}

/**
 * Removes the base images.
 *
 * @param labs the labs that are up on this machine: they stand on them
 * @throws SluiceError LAB_UNAVAILABLE when there are any
 */
export async function removeBases(
  { cache }: LabSettings,
  labs: readonly string[],
  progress: InventoryProgress,
): Promise<void> {
  if (labs.length > 0) {
    throw new SluiceError('LAB_UNAVAILABLE', {
      subject: `the base image stays: ${labs.join(', ')} on this machine stand on it`,
      advice: 'take these labs down before',
    })
  }
  progress('removing the base image')
  for await (const left of glob('base{-*,.lock}', { cwd: cache })) {
    await rm(join(cache, left), { recursive: true, force: true })
  }
  await removeIfEmpty(cache)
}

async function build(
  base: string,
  recipe: BaseRecipe,
  progress: InventoryProgress,
  signal: AbortSignal | undefined,
): Promise<void> {
  for await (const left of glob('*.new-*', { cwd: dirname(base) }))
    await rm(join(dirname(base), left), { recursive: true })
  const started = Date.now()
  progress(`making the base image: ${recipe.suite}, once for all labs of this machine`)
  const workshop = await mkdtemp(`${base}.new-`)
  const root = join(workshop, 'root')
  try {
    await Promise.all([
      writeFile(join(workshop, 'controller.sources'), recipe.sources),
      writeFile(join(workshop, 'acquire.conf'), recipe.apt),
    ])
    // The namespaces end with this process, and with them what it mounted and started there.
    const apart = [
      'setpriv',
      '--pdeathsig',
      'KILL',
      'unshare',
      '--mount',
      '--pid',
      '--fork',
      '--kill-child',
      '--mount-proc',
    ]
    const bootstrap = [
      'mmdebstrap',
      '--quiet',
      '--mode=root',
      '--variant=minbase',
      `--include=${packages.join(',')}`,
    ]
    const settings = `--aptopt=${join(workshop, 'acquire.conf')}`
    await onController(
      signal,
    )`${apart} ${bootstrap} ${settings} ${recipe.suite} ${root} ${join(workshop, 'controller.sources')}`
    await addTrust(root, recipe)
    await onController(signal)`chroot ${root} sh -c ${finish}`
    await chmod(root, 0o755)
    await rename(root, base)
  } catch (error) {
    signal?.throwIfAborted()
    throw new SluiceError('LAB_UNAVAILABLE', {
      subject: `the base image of ${recipe.suite} could not be made`,
      why: lastLines(error),
      advice: 'look whether apt-get update works on this machine, and whether its disk has 500 MB left',
      cause: error,
    })
  } finally {
    await rm(workshop, { recursive: true, force: true })
  }
  progress(`base image made in ${((Date.now() - started) / 1000).toFixed(1)} s`)
}

/** Gives the image the certificates and keyrings that this machine trusts, so that its proxies and mirrors work there. */
async function addTrust(root: string, { keyrings, certificates }: BaseRecipe): Promise<void> {
  const own = new Set(certificatesIn(await readFile(join(root, certificateBundle), 'utf8')))
  const directory = join(root, 'usr/local/share/ca-certificates')
  await mkdir(directory, { recursive: true })
  const missing = certificates.filter((certificate) => !own.has(certificate))
  for (const [index, certificate] of missing.entries()) {
    await writeFile(join(directory, `controller-${index + 1}.crt`), certificate, { mode: 0o644 })
  }
  for (const keyring of keyrings) await cp(keyring, join(root, keyring), { force: false })
}

/** What a command that failed said last. */
function lastLines(error: unknown): string {
  const text = error instanceof Error && 'stderr' in error ? String(error.stderr) : String(error)
  return text.trim().split('\n').slice(-20).join('\n')
}
