import type { Registry } from './engine/cli/registry.ts'
import manifest from './package.json' with { type: 'json' }

/** What Sluice consists of. Nothing else knows both the engine's command line and what it is used for. */
export const project: Registry = {
  version: manifest.version,
  playbooks: [
    {
      name: 'provision',
      summary: 'turns bare hosts into the running pipeline',
      createsHosts: true,
      examples: [
        { command: 'sluice provision', meaning: 'the whole pipeline on the lab, whose hosts are made first' },
        { command: 'sluice provision --check --diff', meaning: 'what would change, texts line by line' },
        { command: 'sluice provision --limit "kafka,!vm2" --tags kafka', meaning: 'one role on some hosts' },
        { command: 'sluice provision --var kafka.heapMb=512', meaning: 'with another heap than the default' },
      ],
      load: async () => (await import('./playbooks/provision.ts')).provision,
    },
    {
      name: 'harden',
      summary: 'hardens sshd and sets the firewall on every host',
      createsHosts: false,
      examples: [
        { command: 'sluice harden -i hosts.yaml --check', meaning: 'what hardening would change' },
        { command: 'sluice harden -i hosts.yaml --tags sshd', meaning: 'sshd only' },
      ],
      load: async () => (await import('./playbooks/harden.ts')).harden,
    },
  ],
  allowLockout: { sshd: { allowLockout: true }, firewall: { allowLockout: true } },
  destroyed: 'provision',
  inventories: [
    {
      name: 'lab',
      summary: 'Debian hosts on this machine, made on demand; needs root',
      load: async () => (await import('./inventory/lab.ts')).lab,
      cloud: {
        load: async () => (await import('./inventory/lab/controls.ts')).labMachines,
        costs: false,
      },
    },
    {
      name: 'aws',
      summary: 'EC2 instances by their tags; their security groups are the firewall policy',
      load: async () => (await import('./inventory/aws.ts')).aws,
      cloud: {
        load: async () => (await import('./inventory/aws/cloud/controls.ts')).awsControls,
        costs: true,
      },
    },
    {
      name: 'multipass',
      summary: 'Ubuntu virtual machines of Multipass on this machine, made by sluice up',
      load: async () => (await import('./inventory/multipass.ts')).multipass,
      cloud: {
        load: async () => (await import('./inventory/multipass/controls.ts')).multipassControls,
        costs: false,
      },
    },
    {
      name: 'vagrant',
      summary: 'virtual machines of Vagrant on this machine (libvirt, VirtualBox), made by sluice up',
      load: async () => (await import('./inventory/vagrant.ts')).vagrant,
      cloud: {
        load: async () => (await import('./inventory/vagrant/controls.ts')).vagrantControls,
        costs: false,
      },
    },
    {
      name: 'ssh-config',
      summary: 'hosts that ~/.ssh/config names; sluice.config.json says which is what',
      load: async () => (await import('./inventory/ssh-config.ts')).sshConfig,
    },
    {
      name: 'ansible',
      summary: 'the inventories that your ansible.cfg names, with its login',
      load: async () => (await import('./inventory/ansible/inventory-file.ts')).configuredInventory,
    },
  ],
  defaultInventory: 'lab',
  openInventoryFile: async (path) =>
    (await import('./inventory/ansible/inventory-file.ts')).inventoryFile(path),
  checks: [
    {
      name: 'verify-e2e',
      summary: 'sends a marked batch and follows it to the database; proves the firewall',
      examples: [
        { command: 'sluice verify-e2e', meaning: 'every link, one batch end to end, the firewall matrix' },
        { command: 'sluice verify-e2e --json', meaning: 'the same for a program' },
      ],
      load: async () => (await import('./playbooks/verify-e2e.ts')).verifyPipeline,
    },
  ],
  firewall: { load: async () => (await import('./playbooks/firewall-reading.ts')).firewallReading },
  software: { load: async () => (await import('./playbooks/software.ts')).software },
  lab: { load: async () => (await import('./inventory/lab-controls.ts')).labControls },
  capacity: { load: async () => (await import('./playbooks/operate/measure-capacity.ts')).capacityControls },
  deadLetters: { load: async () => (await import('./playbooks/operate/dead-letters.ts')).deadLetterControls },
}
