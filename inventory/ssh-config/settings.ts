import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import * as v from 'valibot'
import { readConfiguration } from '../../engine/cli/configuration.ts'
import { Address, Cidr, Name, parseWith } from '../../engine/schemas.ts'

const Text = v.pipe(v.string(), v.nonEmpty('should not be empty'))
const GroupName = v.pipe(
  Name,
  v.check(
    (name) => !['all', 'admin'].includes(name),
    'should have another name, this one stands for something else',
  ),
)

/** The section `sshConfig` of `sluice.config.json`. */
const Section = v.strictObject({
  /** May begin with `~/` or be relative to the project. Left out: what ssh itself reads. */
  file: v.optional(Text),
  /** Which hosts are in which group: names of `Host` lines, where `*` and `?` may stand for letters. */
  groups: v.optional(v.record(GroupName, v.array(Text)), {}),
  /** How the other hosts reach a host. Left out: at its HostName, where that is an address. */
  privateAddresses: v.optional(
    v.record(Name, v.pipe(v.array(Address), v.minLength(1, 'should name at least one address'))),
    {},
  ),
  /** The networks that people and the controller come from. */
  admin: v.optional(v.array(Cidr), []),
})

/** Which hosts of the configuration of ssh are meant, and what they are. */
export type SshConfigSettings = v.InferOutput<typeof Section>

/**
 * The settings of the ssh-config inventory: the section `sshConfig` of the project's configuration, and for the file the
 * environment's SLUICE_SSH_CONFIG where the section does not say it.
 *
 * @throws SluiceError USAGE when one is not as it should be
 */
export function sshConfigSettings(
  projectDirectory: string,
  { SLUICE_SSH_CONFIG: fromEnvironment = '' }: Record<string, string | undefined> = process.env,
): SshConfigSettings {
  const { file: written, ...settings } = parseWith(
    Section,
    readConfiguration(projectDirectory).sshConfig ?? {},
    {
      code: 'USAGE',
      place: `${join(projectDirectory, 'sluice.config.json')} > sshConfig`,
      advice: 'correct the section sshConfig of sluice.config.json; docs/ssh-config.md shows all of it',
    },
  )
  const file = written ?? (fromEnvironment === '' ? undefined : fromEnvironment)
  return { ...settings, ...(file !== undefined && { file: absolute(file, projectDirectory) }) }
}

function absolute(file: string, projectDirectory: string): string {
  return file.startsWith('~/') ? join(homedir(), file.slice(2)) : resolve(projectDirectory, file)
}
