import { readFile } from 'node:fs/promises'
import { isIP } from 'node:net'
import { homedir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import * as v from 'valibot'
import { LineCounter, parseDocument } from 'yaml'
import { SluiceError } from '../engine/errors.ts'
import { Host, type Inventory, type InventorySource, Variables } from '../engine/inventory.ts'
import { Name, parseWith } from '../engine/schemas.ts'
import { groupMistakes, groupsOf } from './static/groups.ts'
import { jumpMistakes, jumpOf } from './static/jumps.ts'
import { type Locate, locator, policyMistakes, policyOf, WrittenPolicy } from './static/policy.ts'
import { unreadable } from './unreadable.ts'

const advice = 'correct the file; inventory/example.yaml shows the whole form with comments'

const { address, port, user, hostKeys, privateAddresses, groups, variables, transport } = Host.entries
/** May begin with `~/` or be relative to the inventory file. */
const identityFile = v.optional(v.pipe(v.string(), v.nonEmpty('should not be empty')))

const Defaults = v.strictObject({
  port: v.optional(port.wrapped),
  user: v.optional(user.wrapped),
  identityFile,
  transport,
  jump: v.optional(Name),
})

const HostEntry = v.strictObject({
  address,
  port: v.optional(port.wrapped),
  user: v.optional(user.wrapped),
  identityFile,
  hostKeys,
  /** Left out, it is the address. */
  privateAddresses: v.optional(privateAddresses),
  groups,
  variables,
  transport,
  /** The host to go through: one of `hosts`, or of `jumpHosts`. */
  jump: v.optional(Name),
})

/** A host that is only gone through. */
const JumpHost = v.strictObject({
  address,
  port: v.optional(port.wrapped),
  user: v.optional(user.wrapped),
  identityFile,
  hostKeys,
  transport,
  jump: v.optional(Name),
})

const Group = v.pipe(
  v.nullable(v.strictObject({ variables, children: v.optional(v.array(Name), []) })),
  v.transform((group) => group ?? { variables: {}, children: [] }),
)

/** An inventory as it is written in a file. */
const InventoryFile = v.strictObject({
  /** For hosts that do not say otherwise. */
  defaults: v.optional(Defaults, {}),
  /** For all hosts. */
  variables: v.optional(Variables, {}),
  groups: v.record(Name, Group),
  hosts: v.record(Name, HostEntry),
  /** Hosts that nothing is put on, and that others are reached through. */
  jumpHosts: v.optional(v.record(Name, JumpHost), {}),
  policy: WrittenPolicy,
})
type InventoryFile = v.InferOutput<typeof InventoryFile>

/** An inventory that is a YAML or JSON file. */
export function staticInventory(path: string): InventorySource {
  return {
    name: path,
    summary: 'hosts that are written in a file',
    load: async () => {
      const text = await readFile(path, 'utf8').catch((cause: unknown) => {
        throw unreadable(path, cause)
      })
      return readInventory(path, text)
    },
  }
}

/**
 * Reads the text of an inventory file.
 *
 * @throws SluiceError INVENTORY_INVALID with the file and the place in it, what was expected and what was found
 */
export function readInventory(path: string, text: string): Inventory {
  const { content, locate } = parseText(path, text)
  const file = parseWith(InventoryFile, content, {
    code: 'INVENTORY_INVALID',
    place: path,
    advice,
  })
  const mistakes = [
    ...groupMistakes(file),
    ...addressMistakes(file),
    ...jumpMistakes(file),
    ...policyMistakes(file.policy, Object.keys(file.groups)),
  ]
  if (mistakes.length > 0) throw invalid(path, mistakes.join('; '))
  return {
    name: path,
    variables: file.variables,
    groupVariables: Object.fromEntries(
      Object.entries(file.groups).map(([name, group]) => [name, group.variables]),
    ),
    policy: policyOf(file.policy, locate),
    hosts: Object.keys(file.hosts).map((host) => hostOf(host, file, path)),
  }
}

/** A host with everything that it has from elsewhere in the file. Mistakes, loops too, have been told by then. */
function hostOf(name: string, file: InventoryFile, path: string): Host {
  const { defaults, hosts, jumpHosts } = file
  const entry = hosts[name] ?? { ...jumpHosts[name], groups: [], variables: {}, privateAddresses: undefined }
  if (entry.address === undefined) throw new TypeError(`${path} has no host ${name}`)
  const identity = entry.identityFile ?? defaults.identityFile
  const transport = entry.transport ?? defaults.transport
  const jump = jumpOf(name, file)
  return {
    name,
    address: entry.address,
    port: entry.port ?? defaults.port ?? 22,
    user: entry.user ?? defaults.user ?? 'root',
    ...(identity !== undefined && { identityFile: absolute(identity, path) }),
    hostKeys: entry.hostKeys ?? [],
    privateAddresses: entry.privateAddresses ?? [entry.address],
    groups: groupsOf(entry.groups, file.groups),
    variables: entry.variables,
    ...(transport !== undefined && { transport }),
    ...(jump !== undefined && { jump: hostOf(jump, file, path) }),
  }
}

function parseText(path: string, text: string): { content: unknown; locate: Locate } {
  const lineCounter = new LineCounter()
  const document = parseDocument(text, { lineCounter })
  const notYaml = (at: string, cause: Error) =>
    new SluiceError('INVENTORY_INVALID', {
      subject: 'the inventory is neither YAML nor JSON',
      at,
      why: cause.message,
      advice,
      cause,
    })
  const [error] = document.errors
  if (error !== undefined) {
    const { line, col } = lineCounter.linePos(error.pos[0])
    throw notYaml(`${path}:${line}:${col}`, error)
  }
  try {
    return { content: document.toJS(), locate: locator(path, document, lineCounter) }
  } catch (cause) {
    // Such as an alias of what is nowhere: only now is it looked for.
    throw notYaml(path, cause as Error)
  }
}

function addressMistakes({ hosts, defaults }: InventoryFile): string[] {
  const seen = new Map<string, string>()
  return Object.entries(hosts).flatMap(([name, host]) => {
    const place = `${host.address}:${host.port ?? defaults.port ?? 22}`
    const other = seen.get(place)
    seen.set(place, name)
    return [
      ...(other === undefined ? [] : [`hosts/${name}/address is that of ${other} too: ${place}`]),
      ...(host.privateAddresses === undefined && isIP(host.address) === 0
        ? [
            `hosts/${name}/privateAddresses is missing: the address "${host.address}" is a name, not an address`,
          ]
        : []),
    ]
  })
}

function invalid(path: string, subject: string): SluiceError {
  return new SluiceError('INVENTORY_INVALID', { subject, at: path, advice })
}

function absolute(file: string, inventoryPath: string): string {
  if (file.startsWith('~/')) return join(homedir(), file.slice(2))
  return resolve(dirname(inventoryPath), file)
}
