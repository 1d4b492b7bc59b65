import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { SluiceError } from '../../engine/errors.ts'
import type { AnsibleVariables } from './model.ts'
import { ArgumentRefused, type Jump, readSshArguments, type SshArguments } from './ssh-arguments.ts'

/** How Ansible would have ssh reach a host. What is not said is left out; values are as they stand. */
export interface Login {
  address: unknown
  port: unknown
  user: unknown
  identityFile: unknown
  transport: unknown
  jumps: Jump[]
  /** Arguments for ssh that Sluice has its own way for. */
  leftOut: string[]
}

/** A host as Ansible's inventory has it, and where it says that. */
interface Spoken {
  name: string
  place: string
  variables: AnsibleVariables
}

/** What holds for hosts that do not say otherwise. */
export type LoginDefaults = Partial<
  Record<Exclude<keyof typeof names, 'address' | 'transport'>, LoginDefault>
>

interface LoginDefault {
  value: string
  /** What it is called where it is said, and where that is. */
  from: string
}

/** Of several the first one counts, which is the last one of Ansible's own list. */
const names = {
  address: ['ansible_ssh_host', 'ansible_host'],
  port: ['ansible_ssh_port', 'ansible_port'],
  user: ['ansible_ssh_user', 'ansible_user'],
  identityFile: ['ansible_ssh_private_key_file', 'ansible_private_key_file'],
  first: ['ansible_ssh_args'],
  common: ['ansible_ssh_common_args'],
  extra: ['ansible_ssh_extra_args'],
  transport: ['sluice_transport'],
  connection: ['ansible_connection'],
}

/** Of connections that are not by SSH, nothing here can be used. */
export function isBySsh({ variables }: Pick<Spoken, 'variables'>, defaults: LoginDefaults): boolean {
  const { ansible_connection: connection = defaults.connection?.value ?? 'ssh' } = variables
  return ['ssh', 'smart', 'paramiko', 'paramiko_ssh', 'libssh', 'ansible.netcommon.libssh'].includes(
    String(connection),
  )
}

/**
 * What the variables of a host say about how it is reached.
 *
 * @param folder that key files are relative to
 * @throws SluiceError INVENTORY_INVALID for an expression of Jinja, and for arguments of ssh that are not understood
 */
export function loginOf(
  { name, place, variables }: Spoken,
  { folder, login: defaults }: { folder: string; login: LoginDefaults },
): Login {
  const said = (of: keyof typeof names) => {
    const found = names[of].find((each) => variables[each] !== undefined)
    const value = found === undefined ? byDefault(of, defaults)?.value : variables[found]
    if (found === undefined || typeof value !== 'string' || !value.includes('{{')) return value
    throw new SluiceError('INVENTORY_INVALID', {
      subject: `${found} has an expression of Jinja in it, which only Ansible can work out`,
      at: place,
      advice: 'write the value itself',
    })
  }
  const read = (...of: (keyof typeof names)[]) => argumentsIn(of, variables, { said, place, defaults })
  // In this order they are on Ansible's command line, and of several that say the same ssh takes the first.
  const [first, later] = [read('first'), read('common', 'extra')]
  const port = said('port')
  const identityFile = said('identityFile') ?? first.identityFile ?? later.identityFile
  return {
    address: said('address') ?? name,
    port: first.port ?? (typeof port === 'string' && /^\d+$/.test(port) ? Number(port) : port) ?? later.port,
    user: first.user ?? said('user') ?? later.user,
    identityFile: typeof identityFile === 'string' ? absolute(identityFile, folder) : identityFile,
    transport: said('transport'),
    jumps: (first.jumps ?? later.jumps ?? []).map((jump) => ({
      ...jump,
      ...(jump.identityFile !== undefined && { identityFile: absolute(jump.identityFile, folder) }),
    })),
    leftOut: [...first.leftOut, ...later.leftOut],
  }
}

function argumentsIn(
  of: readonly (keyof typeof names)[],
  variables: AnsibleVariables,
  {
    said,
    place,
    defaults,
  }: { said(of: keyof typeof names): unknown; place: string; defaults: LoginDefaults },
): SshArguments {
  const texts = of.map((each) => said(each) ?? '').filter((text) => text !== '')
  try {
    return readSshArguments(texts.map(String).join(' '))
  } catch (error) {
    if (!(error instanceof ArgumentRefused)) throw error
    const written = of.flatMap((each) => {
      const own = names[each].filter((name) => variables[name] !== undefined)
      return own.length > 0 ? own : (byDefault(each, defaults)?.from ?? [])
    })
    throw new SluiceError('INVENTORY_INVALID', {
      subject: `${written.join(' and ')}: ${error.message}`,
      at: place,
      advice:
        'put what ssh needs there into ~/.ssh/config, where sluice_transport=openssh makes it count, or take it out',
      cause: error,
    })
  }
}

function byDefault(of: keyof typeof names, defaults: LoginDefaults): LoginDefault | undefined {
  return of === 'address' || of === 'transport' ? undefined : defaults[of]
}

function absolute(file: string, folder: string): string {
  return file.startsWith('~/') ? join(homedir(), file.slice(2)) : resolve(folder, file)
}
