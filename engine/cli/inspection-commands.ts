import { type Command, Option } from 'commander'
import type { Execute } from './execute.ts'
import { examplesText } from './help.ts'
import type { ChosenInventory } from './inventory-command.ts'
import { wholeNumber } from './option-values.ts'
import {
  addHostOptions,
  addInventoryOption,
  addRunOptions,
  type DriftOptions,
  type HostOptions,
} from './options.ts'
import type { FirewallEntry, Registry } from './registry.ts'

/** `inventory` and what is below it. */
export function addInventory(program: Command, execute: Execute): void {
  const inventory = program
    .command('inventory')
    .summary('which inventories there are, and what they say')
    .description('Where hosts come from. inventory/example.yaml shows how to write one of your own.')
    .addHelpText(
      'after',
      examplesText([
        { command: 'sluice inventory list', meaning: 'all of them, and which one is the default' },
        {
          command: 'sluice inventory show -i inventory/example.yaml',
          meaning: 'hosts, groups, firewall policy',
        },
        { command: 'sluice inventory graph --mermaid', meaning: 'who may reach whom, as a flowchart' },
        {
          command: 'sluice inventory show -i aws --format ansible',
          meaning: 'for those who run Ansible too',
        },
      ]),
    )
  const load = () => import('./inventory-command.ts')
  const format = () => new Option('--format <form>', 'the hosts in another form').choices(['ansible'])
  type Options = ChosenInventory & { format?: 'ansible'; json: boolean; mermaid: boolean }
  addInventoryOption(inventory.command('list'))
    .addOption(format())
    .option('--json', 'one JSON document an inventory', false)
    .description('Lists the inventories, the default one marked; with --format, the hosts of one of them.')
    .addHelpText(
      'after',
      examplesText([
        { command: 'sluice inventory list', meaning: 'what can stand after --inventory' },
        {
          command: 'sluice inventory list -i hosts.yaml --format ansible',
          meaning: 'its hosts, in the form of an inventory script of Ansible',
        },
      ]),
    )
    .action((options: Options) =>
      execute(async (session) => {
        const { inventoryForAnsible, inventoryList } = await load()
        return options.format ? inventoryForAnsible(session, options) : inventoryList(session, options)
      }),
    )
  addInventoryOption(inventory.command('show'))
    .option('-l, --limit <pattern>', 'only these hosts')
    .addOption(format())
    .option('--json', 'the whole inventory as one JSON document', false)
    .description("Shows an inventory's hosts and firewall policy.")
    .addHelpText(
      'after',
      examplesText([
        { command: 'sluice inventory show -i hosts.yaml', meaning: 'who is there, and who may reach what' },
        { command: 'sluice inventory show -i aws --limit kafka --refresh', meaning: 'one group, asked anew' },
      ]),
    )
    .action((options: Options) =>
      execute(async (session) => {
        const { inventoryForAnsible, inventoryShow } = await load()
        return options.format ? inventoryForAnsible(session, options) : inventoryShow(session, options)
      }),
    )
  addInventoryOption(inventory.command('graph'))
    .option('--mermaid', 'as a flowchart of Mermaid, for a Markdown file', false)
    .option('--json', 'one JSON document for each who and whom', false)
    .description('Shows who may reach whom by the firewall policy, and on which ports.')
    .addHelpText(
      'after',
      examplesText([
        { command: 'sluice inventory graph', meaning: 'as text' },
        { command: 'sluice inventory graph -i hosts.yaml --mermaid', meaning: 'for a Markdown file' },
      ]),
    )
    .action((options: Options) => execute(async (session) => (await load()).inventoryGraph(session, options)))
}

/** `firewall diff`. */
export function addFirewall(program: Command, entry: FirewallEntry, execute: Execute): void {
  const firewall = program
    .command('firewall')
    .summary('whether the firewalls are what the policy says')
    .description('Compares the firewalls of the hosts with the policy, or with the security groups at AWS.')
    .addHelpText(
      'after',
      examplesText([
        { command: 'sluice firewall diff', meaning: 'host by host, rules that are missing or too many' },
        {
          command: 'sluice firewall diff -i aws --json',
          meaning: 'the same for a program, fit for cron and CI',
        },
      ]),
    )
  addHostOptions(firewall.command('diff'))
    .description(
      'Shows rules of the policy that a host has not, and rules of a host that the policy has not; names what is wider than the pipeline needs. Changes nothing. Exit code 0 when nothing differs, 2 when anything does.',
    )
    .addHelpText(
      'after',
      examplesText([
        { command: 'sluice firewall diff', meaning: 'all hosts' },
        { command: 'sluice firewall diff --limit kafka --json', meaning: 'some of them, for a program' },
      ]),
    )
    .action((options: HostOptions) =>
      execute(async (session) =>
        (await import('./firewall-command.ts')).firewallDiff(session, entry, options),
      ),
    )
}

/** `drift`: whether the hosts still are as declared. */
export function addDrift(program: Command, registry: Registry, execute: Execute): void {
  const command = program
    .command('drift')
    .summary('whether the hosts still are as declared')
    .description(
      `Compares the hosts with what ${registry.destroyed} declares and changes nothing. Exit code 0 when they are as declared, 2 when anything differs: fit for cron and CI.`,
    )
  addRunOptions(command)
    .addOption(
      new Option(
        '--watch <seconds>',
        'look again and again, and speak up when something else differs',
      ).argParser(wholeNumber(1, 86_400)),
    )
    .addHelpText(
      'after',
      examplesText([
        { command: 'sluice drift --diff', meaning: 'what differs, line by line' },
        {
          command: 'sluice drift --watch 60 --json',
          meaning: 'every minute, a document whenever that changes',
        },
      ]),
    )
    .action((options: DriftOptions) =>
      execute(async (session) => (await import('./drift-command.ts')).driftCommand(session, options)),
    )
}

/** `log`: who changed what, and when. */
export function addLog(program: Command, execute: Execute): void {
  program
    .command('log')
    .argument('[run]', 'one of those that `log` lists')
    .option('--last <n>', 'how many are listed', wholeNumber(1, 10_000), 20)
    .option('--json', 'one JSON document a run, or a line of its record', false)
    .option('--profile', 'with a run: where its time went', false)
    .summary('who changed what, and when')
    .description(
      'Every run leaves a record in .sluice/runs: who, which hosts, what was done, how long it took.',
    )
    .addHelpText(
      'after',
      examplesText([
        { command: 'sluice log', meaning: 'the newest runs' },
        { command: 'sluice log 2026-01-31T120000.000Z-provision', meaning: 'one of them, change by change' },
        {
          command: 'sluice provision --limit @failed',
          meaning: 'again, where the last run did not get to the end',
        },
      ]),
    )
    .action((id: string | undefined, options: { json: boolean; last: number; profile: boolean }) =>
      execute(async (session) => (await import('./log-command.ts')).logCommand(session, id, options)),
    )
}

/** `doctor`: what this machine and the hosts have and lack. */
export function addDoctor(program: Command, execute: Execute): void {
  const command = program
    .command('doctor')
    .summary('what this machine has and lacks, and which hosts let it in')
    .description(
      'Looks at this machine and at the hosts, changes nothing, and says what to do about problems.',
    )
  addHostOptions(command)
    .addHelpText(
      'after',
      examplesText([{ command: 'sluice doctor -i hosts.yaml', meaning: 'before the first provision' }]),
    )
    .action((options: HostOptions) =>
      execute(async (session) => (await import('./doctor-command.ts')).doctorCommand(session, options)),
    )
}
