import { isIP } from 'node:net'
import { homedir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import * as v from 'valibot'
import { SluiceError } from '../../engine/errors.ts'
import { Host, type Inventory, Variables } from '../../engine/inventory.ts'
import { Cidr, parseWith } from '../../engine/schemas.ts'
import { pipelineRules } from '../policy.ts'
import type { AnsibleModel, AnsibleVariables } from './model.ts'

const advice =
  'correct the variable; ansible_host, ansible_port, ansible_user, ansible_ssh_private_key_file, sluice_private_addresses and sluice_admin are read'

/** One, or several with a `,` between, or a list. */
const Listed = v.pipe(
  v.union([v.string(), v.array(v.string())]),
  v.transform((value) => (typeof value === 'string' ? value.split(',').map((part) => part.trim()) : value)),
)

/**
 * An inventory of Ansible as one of Sluice. Variables that are mappings are those of roles; others are Ansible's own
 * business. The policy is that of the pipeline, since Ansible has none.
 *
 * @throws SluiceError INVENTORY_INVALID
 */
export function convert(path: string, model: AnsibleModel): Inventory {
  const loop = model.loop()
  if (loop !== undefined) {
    throw new SluiceError('INVENTORY_INVALID', {
      subject: `the group ${loop} contains itself`,
      at: path,
      advice: 'take the group out of its children',
    })
  }
  const hosts = [...model.hosts.keys()].map((name) => hostOf(path, name, model))
  const admin = model.groups.get('all')?.variables.sluice_admin ?? []
  return {
    name: path,
    hosts,
    variables: {},
    groupVariables: {},
    policy: {
      admin: parseWith(v.pipe(Listed, v.array(Cidr)), admin, {
        code: 'INVENTORY_INVALID',
        place: `${path} > all > sluice_admin`,
        advice,
      }),
      rules: pipelineRules,
    },
  }
}

function hostOf(path: string, name: string, model: AnsibleModel): Host {
  const variables = model.variablesOf(name)
  const said = (...names: string[]) =>
    names.map((each) => variables[each]).find((value) => value !== undefined)
  const address = said('ansible_host', 'ansible_ssh_host') ?? name
  const identityFile = said('ansible_ssh_private_key_file', 'ansible_private_key_file')
  const port = said('ansible_port', 'ansible_ssh_port')
  const user = said('ansible_user', 'ansible_ssh_user')
  const place = `${path} > ${name}`
  const private_ = said('sluice_private_addresses') ?? address
  if (typeof private_ === 'string' && isIP(private_.split(',')[0]?.trim() ?? '') === 0) {
    throw new SluiceError('INVENTORY_INVALID', {
      subject: `how the other hosts reach ${name} is not said: "${private_}" is a name, not an address`,
      at: place,
      advice: 'give the host sluice_private_addresses=10.0.1.10, or ansible_host an address',
    })
  }
  const host = {
    name,
    address,
    port: typeof port === 'string' && /^\d+$/.test(port) ? Number(port) : port,
    user,
    identityFile: typeof identityFile === 'string' ? absolute(identityFile, path) : identityFile,
    privateAddresses: v.is(Listed, private_) ? v.parse(Listed, private_) : private_,
    groups: model.groupsOf(name),
    variables: roleVariables(variables, place),
  }
  const given = Object.fromEntries(Object.entries(host).filter(([, value]) => value !== undefined))
  return parseWith(Host, given, { code: 'INVENTORY_INVALID', place, advice })
}

function roleVariables(variables: AnsibleVariables, place: string): Variables {
  const mappings = Object.entries(variables).filter(([, value]) => v.is(Variables, value))
  const [templated] = mappings.filter(([, value]) => JSON.stringify(value).includes('{{'))
  if (templated !== undefined) {
    throw new SluiceError('INVENTORY_INVALID', {
      subject: `${templated[0]} has an expression of Jinja in it, which only Ansible can work out`,
      at: place,
      advice: 'write the value itself',
    })
  }
  return Object.fromEntries(mappings)
}

function absolute(file: string, path: string): string {
  return file.startsWith('~/') ? join(homedir(), file.slice(2)) : resolve(dirname(path), file)
}
