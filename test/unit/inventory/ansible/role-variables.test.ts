import test from 'ava'
import { roleNames } from '../../../../engine/playbook.ts'
import { pipelineRoles, roleVariables } from '../../../../inventory/ansible/role-variables.ts'
import { provision } from '../../../../playbooks/provision.ts'

test('the roles that are known are those of the pipeline', (t) => {
  t.deepEqual([...pipelineRoles].sort(), roleNames(provision).sort())
})

test('mappings are variables of roles, lists and single values are not', (t) => {
  const all = { kafka: { heapMb: 512 }, own: {}, list: [1], text: 'a', nothing: null }

  t.deepEqual(roleVariables(all, 'hosts > vm1'), {
    variables: { kafka: { heapMb: 512 }, own: {} },
    leftOut: [],
  })
})

test('what only Ansible can work out is left out where it is for none of the roles', (t) => {
  const all = { web: { root: '{{ base }}/www' }, db: { password: '$ANSIBLE_VAULT;1.1;AES256' }, kafka: {} }

  t.deepEqual(roleVariables(all, 'hosts > vm1'), { variables: { kafka: {} }, leftOut: ['web', 'db'] })
})
