import test from 'ava'
import { parseLine, readable, told } from '../../../../inventory/vagrant/machine-readable.ts'

// As Vagrant 2.3.4 with vagrant-libvirt 0.11.2 printed it.
const locked = String.raw`1795274524,vm1,metadata,provider,libvirt
1795274525,,ui,error,Vagrant can't use the requested machine because it is locked! This\nmeans that another Vagrant process is currently reading or modifying\nthe machine. Please wait for that Vagrant process to end and try\nagain. Details about the machine are shown below:\n\nName: vm4\nProvider: libvirt
1795274525,,error-exit,Vagrant::Errors::MachineLocked,Vagrant can't use the requested machine because it is locked! This\nmeans that another Vagrant process is currently reading or modifying\nthe machine. Please wait for that Vagrant process to end and try\nagain. Details about the machine are shown below:\n\nName: vm4\nProvider: libvirt`

test('why Vagrant ended is what a person sees of it', (t) => {
  t.is(
    readable(locked),
    `Vagrant can't use the requested machine because it is locked! This
means that another Vagrant process is currently reading or modifying
the machine. Please wait for that Vagrant process to end and try
again. Details about the machine are shown below:
Name: vm4
Provider: libvirt`,
  )
})

test('what a crash of Vagrant leaves is seen as it is, and so is what no rule fits', (t) => {
  const crash = "/usr/bin/vagrant:12:in `require': cannot load such file"

  t.is(readable(`1795274524,vm1,metadata,provider,libvirt\n${crash}`), crash)
  t.is(readable('1795274524,vm1,metadata,provider,libvirt'), '1795274524,vm1,metadata,provider,libvirt')
  t.is(readable(''), '')
})

test('commas and ends of lines of a value are its own', (t) => {
  const line = parseLine(String.raw`1795274524,vm1,ui,info,one%!(VAGRANT_COMMA) two\nthree`)

  t.deepEqual(line, { machine: 'vm1', kind: 'ui', values: ['info', 'one, two\nthree'] })
  t.is(line && told(line), 'vm1: one, two')
})

test('only what is for a person is told, with the name of the machine once', (t) => {
  const named = parseLine('1795277557,vm4,ui,info,==> vm4: Removing domain...')

  t.is(named && told(named), 'vm4: Removing domain...')
  const spaced = parseLine(
    String.raw`1795277632,vm4,ui,detail,    vm4: \n    vm4: Vagrant insecure key detected.`,
  )
  t.is(spaced && told(spaced), 'vm4: Vagrant insecure key detected.')
  const tellings = [
    '1,vm1,action,up,end',
    '1,vm1,ui,output,',
    '1,vm1,metadata,provider,libvirt',
    '1,,ui,warn,!',
  ]

  t.deepEqual(
    tellings.map((text) => parseLine(text)).map((line) => line && told(line)),
    [undefined, undefined, undefined, '!'],
  )
})
