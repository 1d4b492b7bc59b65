import type { Machines } from './settings.ts'

/** What is different from project to project is in a file beside it, so that no value becomes Ruby. */
export const vagrantfile = `# Written by sluice up. What it reads comes from the section "vagrant" of sluice.config.json.
require 'json'

machines = JSON.parse(File.read(File.join(__dir__, 'machines.json')))

Vagrant.configure('2') do |config|
  config.vm.synced_folder '.', '/vagrant', disabled: true
  config.vm.box_check_update = false

  machines.each do |name, machine|
    config.vm.define name do |host|
      host.vm.box = machine.fetch('box')
      host.vm.box_version = machine['boxVersion'] if machine['boxVersion']
      host.vm.hostname = name
      host.vm.boot_timeout = machine['bootSeconds'] if machine['bootSeconds']
      host.vm.network 'private_network', ip: machine.fetch('address'), netmask: '255.255.255.0'
      # On Debian, Vagrant starts all interfaces when it names the host, before it has written what they are.
      host.vm.provision 'shell', inline: 'systemctl reset-failed "ifup@*.service" || true'

      host.vm.provider 'libvirt' do |libvirt|
        libvirt.default_prefix = machine.fetch('title').delete_suffix(name)
        libvirt.driver = machine['driver'] if machine['driver']
        libvirt.cpus = machine.fetch('cpus')
        libvirt.memory = machine.fetch('memoryMb')
      end

      host.vm.provider 'virtualbox' do |virtualbox|
        virtualbox.name = machine.fetch('title')
        virtualbox.cpus = machine.fetch('cpus')
        virtualbox.memory = machine.fetch('memoryMb')
        virtualbox.linked_clone = true
      end
    end
  end
end
`

export function machinesFile(machines: Machines): string {
  return `${JSON.stringify(machines, undefined, 2)}\n`
}
