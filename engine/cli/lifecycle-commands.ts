import type { Command } from 'commander'
import type { Execute } from './execute.ts'
import { examplesText } from './help.ts'
import { mostLabHosts } from './lab-controls.ts'
import { wholeNumber } from './option-values.ts'
import {
  addBatchOptions,
  addInventoryOption,
  addPlanOptions,
  addRunOptions,
  addSizeOptions,
  addUpOptions,
  type CostOptions,
  type DestroyOptions,
  type UpOptions,
} from './options.ts'
import type { Registry } from './registry.ts'

/** `up`: hosts made at a provider, or the lab. */
export function addUp(program: Command, execute: Execute): void {
  const command = program
    .command('up')
    .summary('makes the hosts of an inventory that can make them: lab, aws, multipass, vagrant')
    .description(
      'Makes the hosts and what they need, and waits until they let us in by SSH. At AWS: a VPC, its way to the internet, security groups, a key pair and instances, tagged as ours; this costs money (sluice cost). With Multipass and Vagrant: virtual machines on this machine. What is there already is compared and only brought to what is declared; run again, it goes on from where it stopped.',
    )
  addUpOptions(addRunOptions(command))
    .option('--check', 'only show what would be made; exit code 2 if anything would', false)
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

/** `cost`: what these hosts cost. */
export function addCost(program: Command, execute: Execute): void {
  const command = program
    .command('cost')
    .summary('what the hosts would cost, and what those cost that are there')
    .description(
      'Prices by the hour and the month: of what sluice up would make, of what is there now, and of two examples. Needs no credentials for the first and the last, only a region.',
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

/** `destroy`: takes hosts, or what was installed on them, away. */
export function addDestroy(program: Command, registry: Registry, execute: Execute): void {
  const command = program
    .command('destroy')
    .summary(
      'removes the hosts that were made (lab, aws, multipass, vagrant), or what was installed on yours',
    )
    .description(
      `Hosts that Sluice made go as a whole, with all that is on them: lab hosts, exactly what sluice up made and tagged at AWS, and the virtual machines that it made with Multipass or Vagrant. From hosts of your own, and with --installed, --limit or --tags from any, it removes what ${registry.destroyed} installed: the hosts stay, and what was on them before comes back. Asks first. --check shows what would be removed; of what was installed, --out keeps the plan.`,
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

/** `lab` and what is below it. */
export function addLab(program: Command, execute: Execute): void {
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
    .argument('[hosts]', 'how many (default: 4)', wholeNumber(1, mostLabHosts))
    .description('Makes and starts the hosts that are not there yet.')
    .addHelpText(
      'after',
      examplesText([
        { command: 'sluice lab up', meaning: 'four hosts' },
        { command: 'sluice lab up 6', meaning: 'two more' },
      ]),
    )
    .action((count: number | undefined) => execute(async (session) => (await load()).labUp(session, count)))
  lab
    .command('down')
    .description('Stops the hosts and removes every trace of them, data included.')
    .addHelpText(
      'after',
      examplesText([{ command: 'sluice lab down', meaning: 'nothing of the hosts is left' }]),
    )
    .action(() => execute(async (session) => (await load()).labDown(session)))
  lab
    .command('status')
    .option('--json', 'one JSON document a host', false)
    .description('Says which hosts there are and how they are.')
    .addHelpText(
      'after',
      examplesText([
        { command: 'sluice lab status', meaning: 'addresses, states, memory' },
        { command: 'sluice lab status --json', meaning: 'the same for a program' },
      ]),
    )
    .action((options: { json: boolean }) =>
      execute(async (session) => (await load()).labStatus(session, options)),
    )
  lab
    .command('ssh')
    .argument('[host]', 'a name that `lab status` shows')
    .argument('[command...]', 'after --: what to run there instead of a shell')
    .description('Logs in to a host, or runs a command there.')
    .addHelpText(
      'after',
      examplesText([
        { command: 'sluice lab ssh vm1', meaning: 'a shell' },
        { command: 'sluice lab ssh vm3 -- systemctl is-active processor', meaning: 'one command' },
      ]),
    )
    .action((host: string | undefined, command: string[]) =>
      execute(async (session) => (await load()).labSsh(session, host, command)),
    )
  lab
    .command('reboot')
    .argument('[hosts...]', 'which (default: all)')
    .description('Reboots hosts and waits until they are up.')
    .addHelpText(
      'after',
      examplesText([
        { command: 'sluice lab reboot vm2', meaning: 'one of them' },
        { command: 'sluice lab reboot', meaning: 'all of them, at once' },
      ]),
    )
    .action((hosts: string[]) => execute(async (session) => (await load()).labReboot(session, hosts)))
}
