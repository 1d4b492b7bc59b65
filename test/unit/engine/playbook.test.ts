import test from 'ava'
import { definePlaybook, startingAt } from '../../../engine/playbook.ts'
import { roleOf } from '../../support/trial-run.ts'

const [base, kafka, node] = ['base', 'kafka', 'node'].map((name) => roleOf(name, () => []))

test('a run that starts at a role has no role before it, in whichever play that is', (t) => {
  if (base === undefined || kafka === undefined || node === undefined) return t.fail()
  const playbook = definePlaybook({
    name: 'trial',
    summary: 'a trial',
    plays: [
      { name: 'first', hosts: 'all', roles: [base, node] },
      { name: 'second', hosts: 'all', roles: [node, kafka], needs: ['first'] },
      { name: 'third', hosts: 'all', roles: [node, base] },
    ],
  })

  const rolesFrom = (role: string) =>
    startingAt(playbook, role).plays.map(({ roles }) => roles.map(({ name }) => name))

  t.deepEqual(rolesFrom('node'), [['node'], ['node', 'kafka'], ['node', 'base']])
  t.deepEqual(rolesFrom('kafka'), [[], ['kafka'], ['node', 'base']])
})
