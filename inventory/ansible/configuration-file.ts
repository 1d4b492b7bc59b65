import { constants, existsSync, readFileSync, statSync } from 'node:fs'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { reasonOf, SluiceError } from '../../engine/errors.ts'
import { isAccessible } from './access.ts'

/** Where Ansible's settings are looked for. */
export interface Surroundings {
  environment: NodeJS.ProcessEnv
  /** The working directory. */
  folder: string
}

/** The first of those that Ansible looks for and that there is. */
export function configurationFile({ environment, folder }: Surroundings): {
  path: string | undefined
  remarks: string[]
} {
  const named = environment.ANSIBLE_CONFIG ?? ''
  const fromEnvironment = named === '' ? undefined : expanded(named, { environment, folder })
  const own = join(folder, 'ansible.cfg')
  const open = (statSync(folder).mode & constants.S_IWOTH) !== 0
  const candidates = [
    ...(fromEnvironment === undefined ? [] : [inFolder(fromEnvironment)]),
    ...(open ? [] : [own]),
    join(homedir(), '.ansible.cfg'),
    '/etc/ansible/ansible.cfg',
  ]
  return {
    path: candidates.find((candidate) => isAccessible(candidate, constants.R_OK)),
    remarks:
      open && existsSync(own) && fromEnvironment === undefined
        ? [`${own} is left out, as Ansible does: everybody may write into its folder`]
        : [],
  }
}

function inFolder(path: string): string {
  return existsSync(path) && statSync(path).isDirectory() ? join(path, 'ansible.cfg') : path
}

/** @throws SluiceError INVENTORY_INVALID */
export function configurationText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    throw new SluiceError('INVENTORY_INVALID', {
      subject: "Ansible's configuration cannot be read",
      at: path,
      why: reasonOf(cause),
      advice: 'let this user read it, or name another with ANSIBLE_CONFIG',
      cause,
    })
  }
}

/** A path as Ansible takes it: with `~`, variables of the environment and `{{CWD}}` in it, relative to a folder. */
export function expanded(path: string, { environment, folder }: Surroundings, relativeTo = folder): string {
  const plain = path
    .replaceAll('{{CWD}}', folder)
    .replace(/\$(?:(\w+)|\{([^}]*)\})/g, (whole, name, braced) => environment[name ?? braced] ?? whole)
  return resolve(relativeTo, plain.replace(/^~(?=\/|$)/, homedir()))
}
