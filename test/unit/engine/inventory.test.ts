import test from 'ava'
import * as v from 'valibot'
import type { Host, Inventory } from '../../../engine/inventory.ts'
import { definePlaybook, withTags } from '../../../engine/playbook.ts'
import { defineRole } from '../../../engine/role.ts'
import { hostsOfPlay, selectHosts } from '../../../engine/select.ts'
import { parseVariable, variablesOf } from '../../../engine/variables.ts'

const host = (name: string, groups: string[], variables = {}): Host => ({
  name,
  address: '192.0.2.1',
  port: 22,
  user: 'root',
  hostKeys: [],
  privateAddresses: ['192.0.2.1'],
  groups,
  variables,
})

const inventory: Inventory = {
  name: 'example',
  hosts: [
    host('vm1', ['kafka', 'site1']),
    host('vm2', ['mongodb', 'site1']),
    host('vm3', ['processor', 'site2']),
  ],
  variables: { kafka: { port: 9092, retentionHours: 1 } },
  groupVariables: { kafka: { kafka: { port: 9093 } } },
  policy: { admin: [], rules: [] },
}

const names = (pattern: string) => selectHosts(inventory, pattern).map(({ name }) => name)

test('patterns add, keep and take away hosts as users of Ansible expect', (t) => {
  t.deepEqual(names('all'), ['vm1', 'vm2', 'vm3'])
  t.deepEqual(names('kafka,vm3'), ['vm1', 'vm3'])
  t.deepEqual(names('site1:&kafka'), ['vm1'])
  t.deepEqual(names('!vm2'), ['vm1', 'vm3'])
  t.deepEqual(names('vm*:!site2'), ['vm1', 'vm2'])
})

test('a play is for hosts by their groups, never by their names, and may be for nobody', (t) => {
  const play = (pattern: string) => hostsOfPlay(inventory, pattern).map(({ name }) => name)

  t.deepEqual(play('all'), ['vm1', 'vm2', 'vm3'])
  t.deepEqual(play('site1:!kafka'), ['vm2'])
  t.deepEqual(play('vm1'), [])
  t.deepEqual(play('elsewhere'), [])
})

test('a pattern that names nothing is an error that says what there is', (t) => {
  const error = t.throws(() => names('vm9'))
  // `all` is a word, not a name that a `*` could stand for.
  t.throws(() => names('a*'))

  t.regex(error.message, /HOSTS_UNKNOWN {2}"vm9"/)
  t.regex(Reflect.get(error, 'why'), /vm1, vm2, vm3.*kafka, site1/)
})

test('later layers of variables win, value by value', (t) => {
  const overrides = [{ kafka: { heapMb: 512 } }, parseVariable('kafka.heapMb=256')]

  t.deepEqual(variablesOf(inventory.hosts[0] as Host, inventory, overrides), {
    kafka: { port: 9093, retentionHours: 1, heapMb: 256 },
  })
})

test('a variable on the command line has the type that it is written with', (t) => {
  t.deepEqual(parseVariable('a.b=true'), { a: { b: true } })
  t.deepEqual(parseVariable('a.b.c=x=y'), { a: { b: { c: 'x=y' } } })
  t.throws(() => parseVariable('a=1'), { message: /USAGE.*role\.parameter=value/ })
})

test('a parameter that a role does not know, or of another type, is named with its place', (t) => {
  const role = defineRole({
    name: 'kafka',
    description: '',
    params: v.strictObject({ port: v.optional(v.number(), 1) }),
    resources: () => [],
  })

  const error = t.throws(() => role.read({ prot: 2, port: '9092' }, 'vm1'))

  t.regex(error.message, /VARIABLE_INVALID.*port should be number, got "9092".*prot is not known/)
})

test('tags choose roles, and a play cannot need one that comes after it', (t) => {
  const role = (name: string) =>
    defineRole({ name, description: '', params: v.strictObject({}), resources: () => [] })
  const playbook = definePlaybook({
    name: 'p',
    summary: '',
    plays: [{ name: 'one', hosts: 'all', roles: [role('a'), role('b')] }],
  })

  t.deepEqual(
    withTags(playbook, ['a'], []).plays[0]?.roles.map(({ name }) => name),
    ['a'],
  )
  t.deepEqual(
    withTags(playbook, [], ['a']).plays[0]?.roles.map(({ name }) => name),
    ['b'],
  )
  t.throws(
    () =>
      definePlaybook({
        name: 'p',
        summary: '',
        plays: [{ name: 'x', hosts: 'all', roles: [], needs: ['y'] }],
      }),
    { instanceOf: TypeError },
  )
})
