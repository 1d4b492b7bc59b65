import { isIP } from 'node:net'
import * as v from 'valibot'
import { SluiceError } from '../../engine/errors.ts'
import { Host, type Inventory, type LoadOptions, type Variables } from '../../engine/inventory.ts'
import { Cidr, parseWith } from '../../engine/schemas.ts'
import { pipelineRules } from '../policy.ts'
import { jumpAlong } from '../ssh-config/way.ts'
import { isBySsh, type Login, type LoginDefaults, loginOf } from './login.ts'
import type { AnsibleModel, AnsibleVariables } from './model.ts'
import { leftOutRemarks, namesOf } from './remarks.ts'
import { roleVariables } from './role-variables.ts'

const advice = 'correct the variable; docs/ansible.md says which are read'

/** One, or several with a `,` between, or a list. */
const Listed = v.pipe(
  v.union([v.string(), v.array(v.string())]),
  v.transform((value) => (typeof value === 'string' ? value.split(',').map((part) => part.trim()) : value)),
)

/** The groups that the pipeline has a part for. */
const pipelineGroups = pipelineRules
  .flatMap(({ from, to }) => [...from, to])
  .filter((group) => group !== 'all' && group !== 'admin')

/** Where an inventory is from. */
export interface Origin {
  name: string
  /** What key files are relative to. */
  folder: string
  login: LoginDefaults
}

/**
 * An inventory of Ansible as one of Sluice. Variables that are mappings are those of roles; others are Ansible's own
 * business. The policy is that of the pipeline, since Ansible has none.
 *
 * @throws SluiceError INVENTORY_INVALID
 */
export async function convert(
  origin: Origin,
  model: AnsibleModel,
  options: Pick<LoadOptions, 'projectDirectory' | 'progress' | 'signal'>,
): Promise<Inventory> {
  const { name } = origin
  const loop = model.loop()
  if (loop !== undefined) {
    throw new SluiceError('INVENTORY_INVALID', {
      subject: `the group ${loop} contains itself`,
      at: name,
      advice: 'take the group out of its children',
    })
  }
  const admin = model.variablesOfAll().sluice_admin ?? []
  const hosts = await hostsOf(origin, model, options)
  return {
    name,
    hosts,
    variables: {},
    groupVariables: {},
    sharedVariables: true,
    policy: {
      admin: parseWith(v.pipe(Listed, v.array(Cidr)), admin, {
        code: 'INVENTORY_INVALID',
        place: `${name} > all > sluice_admin`,
        advice,
      }),
      rules: pipelineRules,
    },
  }
}

async function hostsOf(
  origin: Origin,
  model: AnsibleModel,
  options: Pick<LoadOptions, 'projectDirectory' | 'progress' | 'signal'>,
): Promise<Host[]> {
  const progress = (remark: string) => options.progress(`${origin.name}: ${remark}`)
  const all = [...model.hosts.keys()].map((name) => ({
    name,
    place: `${origin.name} > ${name}`,
    variables: model.variablesOf(name),
  }))
  const isReached = (each: (typeof all)[number]) => isBySsh(each, origin.login)
  const [bySsh, others] = [all.filter(isReached), all.filter((each) => !isReached(each))]
  if (others.length > 0) progress(`left out, not reached by SSH: ${namesOf(others)}`)
  const jumpOf = onceEach((jumps: Login['jumps']) => jumpAlong(jumps, options))
  const found = await Promise.all(
    bySsh.map(async (each) => {
      const login = loginOf(each, origin)
      const { variables, leftOut } = roleVariables(each.variables, each.place)
      return { ...each, login, leftOut, ofRoles: variables, jump: await jumpOf(login.jumps) }
    }),
  )
  for (const remark of leftOutRemarks(found)) progress(remark)
  const doors = new Set(found.flatMap(({ jump }) => placesOf(jump)))
  const isOnlyDoor = ({ name, login }: Found) =>
    doors.has(placeOf(login)) && !model.groupsOf(name).some((group) => pipelineGroups.includes(group))
  const gone = found.filter(isOnlyDoor)
  if (gone.length > 0)
    progress(
      `left as it is, since others are reached through it and it has no part in the pipeline: ${namesOf(gone)}`,
    )
  return found.filter((each) => !isOnlyDoor(each)).map((each) => hostOf(withoutLoop(each), model))
}

/** What is said for all hosts is not meant for the one that it names. */
function withoutLoop(host: Found): Found {
  return placesOf(host.jump).includes(placeOf(host.login)) ? { ...host, jump: undefined } : host
}

interface Found {
  name: string
  place: string
  variables: AnsibleVariables
  login: Login
  ofRoles: Variables
  jump: Host | undefined
}

/** Hosts mostly have the same way. */
function onceEach<Given, Result>(work: (given: Given) => Result): (given: Given) => Result {
  const done = new Map<string, Result>()
  return (given) => {
    const key = JSON.stringify(given)
    const result = done.get(key) ?? work(given)
    done.set(key, result)
    return result
  }
}

function placesOf(jump: Host | undefined): string[] {
  return jump === undefined ? [] : [placeOf(jump), ...placesOf(jump.jump)]
}

function placeOf({ address, port = 22 }: { address: unknown; port?: unknown }): string {
  return `${address}:${port}`
}

function hostOf({ name, variables, place, login, ofRoles, jump }: Found, model: AnsibleModel): Host {
  const { address, port, user, identityFile, transport } = login
  const private_ = variables.sluice_private_addresses ?? address
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
    port,
    user,
    identityFile,
    transport,
    privateAddresses: v.is(Listed, private_) ? v.parse(Listed, private_) : private_,
    groups: model.groupsOf(name),
    variables: ofRoles,
  }
  const given = Object.fromEntries(Object.entries(host).filter(([, value]) => value !== undefined))
  return {
    ...parseWith(Host, given, { code: 'INVENTORY_INVALID', place, advice }),
    ...(jump !== undefined && { jump }),
  }
}
