import { main, playbook, project } from 'sluice'
import { noticeBoard } from './roles/notice-board.ts'

const boards = playbook({
  name: 'boards',
  summary: 'a notice board on every host',
  plays: [{ name: 'boards', hosts: 'all', roles: [noticeBoard] }],
})

// All of Sluice's own commands, and one more.
const site = {
  ...project,
  playbooks: [
    ...project.playbooks,
    {
      name: 'boards',
      summary: boards.summary,
      examples: [{ command: 'node site.ts boards --check --diff', meaning: 'what would change' }],
      createsHosts: false,
      load: async () => boards,
    },
  ],
}

process.exitCode = await main(process.argv.slice(2), site, process)
