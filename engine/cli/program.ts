import { Command } from 'commander'
import type { Execute } from './execute.ts'
import { closingText, examplesText } from './help.ts'
import { addDoctor, addDrift, addFirewall, addInventory, addLog } from './inspection-commands.ts'
import { addCost, addDestroy, addLab, addUp } from './lifecycle-commands.ts'
import { refuseForeignPattern } from './limit-pattern.ts'
import { refuseAttached } from './npm-attached.ts'
import { refuseSwallowed } from './npm-options.ts'
import {
  addHostOptions,
  addPlaybookOptions,
  addRunOptions,
  type HostOptions,
  type PlaybookOptions,
} from './options.ts'
import { addCapacity, addDeadLetters } from './pipeline-commands.ts'
import type { Check, PlaybookCommand, Registry } from './registry.ts'

/**
 * The command line of a project: its commands, their options and their help.
 * What a command does is imported when it is called, so that help and mistakes are answered at once.
 */
export function createProgram(registry: Registry, execute: Execute): Command {
  const program = new Command('sluice')
    .description('Converges hosts into a hardened, firewalled, running GPU and token pipeline.')
    .version(registry.version, '--version', 'the version of Sluice')
    .helpOption('-h, --help', 'what can be typed, with examples')
    .helpCommand('help [command]', 'the same as --help')
    .configureHelp({
      // That a flag is off when it is not given goes without saying.
      optionDescription: ({ description, defaultValue }) =>
        typeof defaultValue === 'number' ? `${description} (default: ${defaultValue})` : description,
    })
    .addHelpText('after', examplesText(programExamples) + closingText)
    .hook('preAction', async (_, command) => {
      refuseSwallowed(command)
      await refuseAttached(command, registry)
      refuseForeignPattern(command)
    })
  for (const playbook of registry.playbooks) addPlaybook(program, playbook, execute)
  for (const check of registry.checks) addCheck(program, check, execute)
  if (registry.capacity !== undefined) addCapacity(program, registry.capacity, execute)
  if (registry.deadLetters !== undefined) addDeadLetters(program, registry.deadLetters, execute)
  addUp(program, execute)
  addCost(program, execute)
  addDrift(program, registry, execute)
  addDestroy(program, registry, execute)
  addLab(program, execute)
  addInventory(program, execute)
  if (registry.firewall) addFirewall(program, registry.firewall, execute)
  addDoctor(program, execute)
  addLog(program, execute)
  return program
}

const programExamples = [
  { command: 'sluice provision', meaning: 'from nothing to the running pipeline, on the lab' },
  { command: 'sluice provision --check --diff', meaning: 'what would change, and nothing else' },
  { command: 'sluice verify-e2e', meaning: 'does what is sent arrive, and only where it may' },
  {
    command: 'sluice provision -i inventory/example.yaml --limit kafka',
    meaning: 'your own hosts, one group',
  },
  { command: 'sluice destroy', meaning: 'takes all of it away again' },
]

function addPlaybook(program: Command, playbook: PlaybookCommand, execute: Execute): void {
  const command = program.command(playbook.name).summary(playbook.summary).description(playbook.summary)
  addPlaybookOptions(addRunOptions(command))
    .addHelpText('after', examplesText([...playbook.examples, ...controlExamples(playbook)]))
    .action((options: PlaybookOptions) =>
      execute(async (session) => {
        const { playbookCommand } = await import('./playbook-command.ts')
        return playbookCommand(session, playbook, options)
      }),
    )
}

function controlExamples({ name }: PlaybookCommand) {
  return [
    { command: `sluice ${name} --check --out plan.json`, meaning: 'what would change, kept for later' },
    { command: `sluice ${name} --plan plan.json`, meaning: 'exactly that, while the hosts are as they were' },
    {
      command: `sluice ${name} --serial 25% --max-fail 1`,
      meaning: 'a quarter of the hosts at a time, while at most one fails',
    },
    { command: `sluice ${name} --start-at sshd`, meaning: 'what comes before that role stays as it is' },
  ]
}

function addCheck(program: Command, check: Check, execute: Execute): void {
  const command = program.command(check.name).summary(check.summary).description(check.summary)
  addHostOptions(command)
    .addHelpText('after', examplesText(check.examples))
    .action((options: HostOptions) =>
      execute(async (session) => {
        const { checkCommand } = await import('./check-command.ts')
        return checkCommand(session, check, options)
      }),
    )
}
