import { isIP } from 'node:net'
import { SluiceError } from '../engine/errors.ts'
import { Host, type InventorySource } from '../engine/inventory.ts'
import { limiter } from '../engine/limiter.ts'
import { parseWith } from '../engine/schemas.ts'
import { pipelineRules } from './policy.ts'
import { groupsByHost } from './ssh-config/groups.ts'
import { namedHosts } from './ssh-config/named-hosts.ts'
import { type SshConfigSettings, sshConfigSettings } from './ssh-config/settings.ts'
import { type Found, wayTo } from './ssh-config/way.ts'

/** Processes of ssh. */
const atOnce = 8

/** Hosts that the user's configuration of ssh calls by name, reached as ssh itself would reach them. */
export const sshConfig: InventorySource = {
  name: 'ssh-config',
  summary: 'hosts that ~/.ssh/config names; sluice.config.json says which is what',

  async load({ projectDirectory, progress, signal }) {
    const settings = sshConfigSettings(projectDirectory)
    const { file, admin } = settings
    const groups = groupsByHost(settings, namedHosts(file))
    const limited = limiter(atOnce)
    const found = await Promise.all(
      [...groups.keys()].map((name) =>
        limited(async () => ({ name, ...(await wayTo({ name }, { projectDirectory, file, signal })) })),
      ),
    )
    for (const { name, onlySsh } of found) {
      if (onlySsh.length > 0) progress(`${name}: by the system's ssh, for ${onlySsh.join(', ')}`)
    }
    const hosts = found.map(({ name, way }) =>
      hostOf(name, way, { settings, groups: groups.get(name) ?? [] }),
    )
    return {
      name: 'ssh-config',
      hosts,
      variables: {},
      groupVariables: {},
      policy: { admin, rules: pipelineRules },
    }
  },
}

function hostOf(
  name: string,
  { jump, ...way }: Found['way'],
  { settings, groups }: { settings: SshConfigSettings; groups: string[] },
): Host {
  const at = `the configuration of ssh > ${name}`
  const written = settings.privateAddresses[name]
  if (written === undefined && isIP(way.address) === 0) {
    throw new SluiceError('INVENTORY_INVALID', {
      subject: `how the other hosts reach ${name} is not said: "${way.address}" is a name, not an address`,
      at,
      advice: `put it into sluice.config.json: "sshConfig": { "privateAddresses": { "${name}": ["10.0.1.10"] } }`,
    })
  }
  const given = { name, ...way, privateAddresses: written ?? [way.address], groups }
  const advice = `correct what ssh -G ${name} says, or name another host in sshConfig.groups`
  const host = parseWith(Host, given, { code: 'INVENTORY_INVALID', place: at, advice })
  return { ...host, ...(jump !== undefined && { jump }) }
}
