import { definePlaybook } from '../../../engine/playbook.ts'
import { benchRole } from './bench-role.ts'

/** One play: the role on every host. */
export const converge = definePlaybook({
  name: 'converge',
  summary: 'brings hosts to what the bench declares',
  plays: [{ name: 'converge', hosts: 'all', roles: [benchRole] }],
})
