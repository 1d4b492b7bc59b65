import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import test from 'ava'
import fc from 'fast-check'
import { $ } from 'zx'
import { SluiceError } from '../../../engine/errors.ts'
import { ignoring, readSources } from '../../../inventory/ansible/sources.ts'
import { addVariableFiles } from '../../../inventory/ansible/variable-files.ts'
import { projectFolder } from '../../support/cli.ts'
import { draw, saySeed } from './drawing.ts'
import { type Listing, program, said } from './listing.ts'

/** What Ansible itself, called from Python, says of each of these lists of sources. */
const script = `
import json, sys
from ansible import constants
from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader
from ansible.vars.manager import VariableManager
def listed(sources):
    loader = DataLoader()
    inventory = InventoryManager(loader=loader, sources=sources)
    variables = VariableManager(loader=loader, inventory=inventory)
    def own(host):
        found = variables.get_vars(host=host, include_hostvars=False, stage='all')
        return {name: value for name, value in found.items() if name not in constants.INTERNAL_STATIC_VARS}
    hosts = {host.name: own(host) for host in inventory.hosts.values()}
    groups = {
        group.name: {
            'hosts': sorted(host.name for host in group.hosts),
            'children': sorted(child.name for child in group.child_groups),
        }
        for group in inventory.groups.values() if group.name != 'all'
    }
    return {
        'hostvars': {name: found for name, found in hosts.items() if found},
        'groups': {name: parts for name, parts in groups.items() if parts['hosts'] or parts['children']},
    }
print(json.dumps([listed(sources) for sources in json.load(sys.stdin)]))`

const groups = ['g1', 'g2', 'g3', 'all', 'ungrouped']
const hosts = ['h1', 'h2', 'h3', 'h[2:4]', 'h1:2222', 'h5:2300']
const group = fc.constantFrom(...groups)
const variable = fc.constantFrom('a', 'b', 'ansible_port', 'ansible_group_priority')
const value = fc.integer({ min: 1, max: 9 })

const iniLine = fc.oneof(
  fc.constantFrom('[g1]', '[g2]', '[g3]', '[g1:vars]', '[g2:vars]', '[all:vars]', '[ungrouped]'),
  fc
    .tuple(fc.constantFrom('g1', 'g2'), fc.constantFrom('g2', 'g3'))
    .map(([above, below]) => (above === below ? `[${above}]` : `[${above}:children]\n${below}\n[${below}]`)),
  fc.tuple(fc.constantFrom(...hosts), variable, value).map(([host, name, set]) => ({ host, name, set })),
)
/** Lines that fit to the section that they stand in. */
const ini = fc.array(iniLine, { maxLength: 8 }).map((lines) => {
  let inVariables = false
  return ['[g1]', '[g2]', ...lines].map((line) => {
    if (typeof line === 'string') {
      inVariables = line.endsWith(':vars]')
      return line
    }
    const { host, name, set } = line
    return inVariables ? `${name}=${set}` : `${host} ${name === 'a' ? '' : `${name}=${set}`}`
  })
})

const variables = fc.dictionary(variable, value, { maxKeys: 2 })
/** Ansible lets even "ungrouped" have groups in it. Nobody does that. */
const isSane = (content: Record<string, object>) => !('children' in (content.ungrouped ?? {}))
const yaml = fc
  .dictionary(
    group,
    fc.record(
      {
        hosts: fc.dictionary(fc.constantFrom(...hosts), variables, { maxKeys: 2 }),
        vars: variables,
        children: fc.dictionary(fc.constantFrom('g3', 'g4'), fc.constant(null), { maxKeys: 1 }),
      },
      { requiredKeys: [] },
    ),
    { minKeys: 1, maxKeys: 3 },
  )
  .filter(isSane)

const names = ['10-hosts', 'a', 'B', 'c.yml', 'd.json', 'E.yaml', 'old.ini', 'sub/x', 'sub/10.yml', '.hidden']
const inventoryFile = fc
  .tuple(fc.constantFrom(...names), ini, yaml)
  .map(([name, lines, content]): [string, string] => [
    name,
    /\.(ya?ml|json)$/.test(name) ? JSON.stringify(content) : `${lines.join('\n')}\n`,
  ])
const variableFile = fc
  .tuple(
    fc.constantFrom('group_vars/', 'host_vars/', 'sub/group_vars/'),
    fc.constantFrom('g1', 'g2.yml', 'g3.json', 'all', 'all.yml', 'h1', 'h2.yml', 'h3/1.yml', 'ungrouped'),
    variables,
  )
  .map(([folder, name, content]): [string, string] => [folder + name, JSON.stringify(content)])
const folder = fc
  .tuple(fc.array(inventoryFile, { minLength: 1, maxLength: 4 }), fc.array(variableFile, { maxLength: 4 }))
  .map(([files, others]) => Object.fromEntries([...files, ...others]))

test('random inventories of several folders are read as Ansible reads them', async (t) => {
  saySeed(t)
  const root = projectFolder(t)
  const cases = draw(fc.array(folder, { minLength: 1, maxLength: 3 }), 300).map((folders, index) =>
    folders.map((files, at) => {
      const source = join(root, `${index}`, `${at}`)
      for (const [name, text] of Object.entries(files)) {
        mkdirSync(dirname(join(source, name)), { recursive: true })
        writeFileSync(join(source, name), text)
      }
      return source
    }),
  )
  const refused: string[] = []
  const ours = cases.flatMap((sources) => {
    try {
      const model = readSources(sources, { ignores: ignoring(), progress: () => {} })
      if (model.loop() !== undefined) return []
      addVariableFiles(sources, model)
      return [{ sources, answer: said(model) }]
    } catch (error) {
      if (!(error instanceof SluiceError)) throw error
      refused.push(error.message)
      return []
    }
  })
  const environment = { ...process.env, ANSIBLE_CONFIG: join(import.meta.dirname, 'ansible.cfg') }
  const run = $({ quiet: true, env: environment, input: JSON.stringify(ours.map(({ sources }) => sources)) })
  const theirs: Listing[] = JSON.parse((await run`${join(dirname(program), 'python')} -c ${script}`).stdout)

  t.true(ours.length > 200, `${refused.length} refused: ${[...new Set(refused)].join('; ')}`)
  for (const [index, { sources, answer }] of ours.entries()) {
    t.deepEqual(answer, theirs[index], sources.join(', '))
  }
})
