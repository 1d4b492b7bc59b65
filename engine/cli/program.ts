import { Command, Option } from 'commander'
import { closingText, examplesText } from './help.ts'
import type { ChosenInventory } from './inventory-command.ts'
import {
  addBatchOptions,
  addHostOptions,
  addInventoryOption,
  addPlanOptions,
  addPlaybookOptions,
  addRunOptions,
  addSizeOptions,
  addUpOptions,
  type CostOptions,
  type DestroyOptions,
  type DriftOptions,
  type HostOptions,
  type PlaybookOptions,
  type UpOptions,
  wholeNumber,
} from './options.ts'
import { addCapacity, addDeadLetters } from './pipeline-commands.ts'
import type { Check, FirewallEntry, PlaybookCommand, Registry } from './registry.ts'
import type { Session } from './session.ts'

/** Carries a command out; gives the exit code. */
export type Execute = (work: (session: Session) => Promise<number> | number) => Promise<void>

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

function addUp(program: Command, execute: Execute): void {
  const command = program
    .command('up')
    .summary('makes the hosts of an inventory that can make them: lab, aws, multipass, vagrant')
    .description(
      'Makes the hosts and what they need, and waits until they let us in by SSH. At AWS: a VPC, its way to the internet, security groups, a key pair and instances, tagged as ours; this costs money (sluice cost). With Multipass and Vagrant: virtual machines on this machine. What is there already is compared and only brought to what is declared; run again, it goes on from where it stopped.',
    )
  addUpOptions(addRunOptions(command))
    .option('--check', 'only show what would change at the provider; exit code 2 if anything would', false)
    .addHelpText(
      'after',
      examplesText([
        { command: 'sluice up -i aws --admin 203.0.113.7/32 --check', meaning: 'what would be made' },
        { command: 'sluice up -i aws --admin 203.0.113.7/32', meaning: 'four hosts at AWS' },
        { command: 'sluice up -i aws --verify', meaning: 'from nothing to the verified pipeline' },
        { command: 'sluice up -i multipass', meaning: 'four virtual machines on this machine' },
        { command: 'sluice destroy -i aws', meaning: 'takes all of it away again' },
      ]),
    )
    .action((options: UpOptions) =>
      execute(async (session) => (await import('./up-command.ts')).upCommand(session, options)),
    )
}

function addCost(program: Command, execute: Execute): void {
  const command = program
    .command('cost')
    .summary('what the hosts would cost, and what those cost that are there')
    .description(
      'Prices by the hour and the month: of what sluice up would make, of what is there now, and of two examples. Needs no credentials for the first and the last.',
    )
  addSizeOptions(addInventoryOption(command))
    .option('--json', 'one JSON document', false)
    .addHelpText(
      'after',
      examplesText([
        { command: 'sluice cost', meaning: 'the plan of sluice.config.json' },
        { command: 'sluice cost --type t4g.small', meaning: 'on other instances' },
      ]),
    )
    .action((options: CostOptions) =>
      execute(async (session) => (await import('./cost-command.ts')).costCommand(session, options)),
    )
}

function addDrift(program: Command, registry: Registry, execute: Execute): void {
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

function addDestroy(program: Command, registry: Registry, execute: Execute): void {
  const command = program
    .command('destroy')
    .summary(
      'removes the hosts that were made (lab, aws, multipass, vagrant), or what was installed on yours',
    )
    .description(
      `Hosts that Sluice made go as a whole, with all that is on them: lab hosts, exactly what sluice up made and tagged at AWS, and the virtual machines that it made with Multipass or Vagrant. From hosts of your own, and with --installed, --limit or --tags from any, it removes what ${registry.destroyed} installed: the hosts stay, and what was on them before comes back. Asks first. --check shows what that would remove, and --out keeps the plan of it.`,
    )
  addBatchOptions(addPlanOptions(addRunOptions(command)))
    .option('-y, --yes', 'do not ask', false)
    .option('--data', 'remove data too: messages, documents', false)
    .option('--installed', 'only what was installed: hosts that Sluice made stay', false)
    .addHelpText(
      'after',
      examplesText([
        {
          command: 'sluice destroy',
          meaning: 'asks, then takes the lab hosts away, with all that is on them',
        },
        {
          command: 'sluice destroy -i aws',
          meaning: 'asks, then everything that sluice up made there is gone',
        },
        { command: 'sluice destroy -i aws --installed', meaning: 'the instances stay, bare' },
        { command: 'sluice destroy -i hosts.yaml --yes --data', meaning: 'without asking, data and all' },
        { command: 'sluice destroy --tags kafka --limit vm1', meaning: 'one role on one host' },
        {
          command: 'sluice destroy --installed --check --out plan.json',
          meaning: 'what would be removed, kept for later',
        },
        {
          command: 'sluice destroy --plan plan.json --serial 1',
          meaning: 'exactly that, one host after the other',
        },
      ]),
    )
    .action((options: DestroyOptions) =>
      execute(async (session) => {
        const { destroyCommand } = await import('./destroy-command.ts')
        return destroyCommand(session, options)
      }),
    )
}

function addLab(program: Command, execute: Execute): void {
  const lab = program
    .command('lab')
    .summary('real hosts on this machine, made in seconds')
    .description(
      'Real hosts on this machine: systemd, sshd, ufw and apt in containers of their own. Needs root.',
    )
    .addHelpText(
      'after',
      examplesText([
        { command: 'sluice lab up', meaning: 'four hosts, vm1 to vm4' },
        { command: 'sluice lab ssh vm1', meaning: 'a shell on one' },
        { command: 'sluice lab ssh vm1 -- sudo journalctl --unit kafka', meaning: 'one command there' },
        { command: 'sluice lab reboot vm2', meaning: 'reboots one; without a name, all' },
        { command: 'sluice lab down', meaning: 'leaves nothing' },
      ]),
    )
  const load = () => import('./lab-command.ts')
  lab
    .command('up')
    .argument('[hosts]', 'how many (default: 4)', wholeNumber(1, 200))
    .description('Makes and starts the hosts that are not there yet.')
    .action((count: number | undefined) => execute(async (session) => (await load()).labUp(session, count)))
  lab
    .command('down')
    .description('Stops the hosts and removes every trace of them, data included.')
    .action(() => execute(async (session) => (await load()).labDown(session)))
  lab
    .command('status')
    .option('--json', 'one JSON document a host', false)
    .description('Says which hosts there are and how they are.')
    .action((options: { json: boolean }) =>
      execute(async (session) => (await load()).labStatus(session, options)),
    )
  lab
    .command('ssh')
    .argument('<host>', 'a name that `lab status` shows')
    .argument('[command...]', 'after --: what to run there instead of a shell')
    .description('Logs in to a host, or runs a command there.')
    .action((host: string, command: string[]) =>
      execute(async (session) => (await load()).labSsh(session, host, command)),
    )
  lab
    .command('reboot')
    .argument('[hosts...]', 'which (default: all)')
    .description('Reboots hosts and waits until they are up.')
    .action((hosts: string[]) => execute(async (session) => (await load()).labReboot(session, hosts)))
}

function addInventory(program: Command, execute: Execute): void {
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
    .action((options: Options) => execute(async (session) => (await load()).inventoryGraph(session, options)))
}

function addFirewall(program: Command, entry: FirewallEntry, execute: Execute): void {
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
    .action((options: HostOptions) =>
      execute(async (session) =>
        (await import('./firewall-command.ts')).firewallDiff(session, entry, options),
      ),
    )
}

function addLog(program: Command, execute: Execute): void {
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

function addDoctor(program: Command, execute: Execute): void {
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
