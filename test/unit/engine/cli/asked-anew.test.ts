import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import type { CloudControls } from '../../../../engine/cli/cloud-controls.ts'
import { destroyCommand } from '../../../../engine/cli/destroy-command.ts'
import { driftCommand } from '../../../../engine/cli/drift-command.ts'
import type { PlaybookOptions } from '../../../../engine/cli/options.ts'
import { playbookCommand } from '../../../../engine/cli/playbook-command.ts'
import type { PlaybookCommand, Registry } from '../../../../engine/cli/registry.ts'
import { openSession, type Session } from '../../../../engine/cli/session.ts'
import { upCommand } from '../../../../engine/cli/up-command.ts'
import type { LoadOptions } from '../../../../engine/inventory.ts'
import { savedPlan } from '../../../../engine/saved-plan.ts'
import { machineRun } from '../../../../inventory/machine-run.ts'
import { project } from '../../../../project.ts'
import { projectFolder } from '../../../support/cli.ts'

class Asked extends Error {}

const options: PlaybookOptions = {
  timeout: 1,
  acceptNewHostKeys: false,
  var: [],
  varsFile: [],
  json: true,
  verbose: false,
  tags: [],
  skipTags: [],
  check: false,
  diff: false,
  profile: false,
}

const [provision, harden] = project.playbooks as [PlaybookCommand, PlaybookCommand]

/** How a command asks an inventory whose hosts can be made. */
async function askedBy(t: ExecutionContext, command: (session: Session) => Promise<number>) {
  const asked: LoadOptions[] = []
  const kept = {
    name: 'kept',
    summary: '',
    load: async (how: LoadOptions) => {
      asked.push(how)
      throw new Asked()
    },
  }
  const cloud: CloudControls = {
    up: async () =>
      machineRun('up', {
        inventory: 'kept',
        machines: 'nothing',
        hosts: [],
        resources: () => [],
        workplace: {},
      }),
    down: async () => undefined,
  }
  const registry: Registry = {
    ...project,
    inventories: [
      { name: 'kept', summary: '', load: async () => kept, cloud: { load: async () => cloud, costs: false } },
    ],
    defaultInventory: 'kept',
  }
  const session = openSession(registry, process)
  await t.throwsAsync(
    command({ ...session, projectDirectory: projectFolder(t), configuration: { varsFiles: [] } }),
    {
      instanceOf: Asked,
    },
  )
  return asked.map(({ create, refresh }) => ({ create, refresh }))
}

function planFile(t: ExecutionContext): string {
  const file = join(projectFolder(t), 'plan.json')
  const about = { by: 'somebody', playbook: 'harden', inventory: 'kept', tags: [], skipTags: [] }
  writeFileSync(file, JSON.stringify(savedPlan([], about)))
  return file
}

for (const [title, create, command] of [
  ['provision', true, (session) => playbookCommand(session, provision, options)],
  ['harden', false, (session) => playbookCommand(session, harden, options)],
  [
    'harden by a plan',
    false,
    (session, t) => playbookCommand(session, harden, { ...options, plan: planFile(t) }),
  ],
  [
    'destroy',
    false,
    (session) => destroyCommand(session, { ...options, yes: true, data: false, installed: true }),
  ],
  [
    'up',
    false,
    (session) => upCommand(session, { ...options, admin: [], provision: false, verify: false, wait: 1 }),
  ],
] satisfies [string, boolean, (session: Session, t: ExecutionContext) => Promise<number>][]) {
  test.serial(`${title} works on the hosts that are there now: the inventory asks anew`, async (t) => {
    t.deepEqual(await askedBy(t, (session) => command(session, t)), [{ create, refresh: true }])
  })
}

for (const [title, command] of [
  ['provision --check', (session) => playbookCommand(session, provision, { ...options, check: true })],
  ['drift', (session) => driftCommand(session, options)],
] satisfies [string, (session: Session) => Promise<number>][]) {
  test.serial(`${title} changes nothing, and takes what the inventory was told a moment ago`, async (t) => {
    t.deepEqual(await askedBy(t, command), [{ create: false, refresh: false }])
  })
}
