import test from 'ava'
import fc from 'fast-check'
import { SluiceError } from '../../../../engine/errors.ts'
import { nextStep, parseStatus } from '../../../../inventory/vagrant/status.ts'

/** As Vagrant 2.3.4 of Debian 12 printed it with vagrant-libvirt 0.11.2, of a machine that runs and of one that was never made. */
const release234 = `1795265714,vm1,metadata,provider,libvirt
1795265714,vm2,metadata,provider,libvirt
1795265714,vm1,provider-name,libvirt
1795265714,vm1,state,running
1795265714,vm1,state-human-short,running
1795265714,vm1,state-human-long,The Libvirt domain is running. To stop this machine%!(VAGRANT_COMMA) you can run\\n\`vagrant halt\`. To destroy the machine%!(VAGRANT_COMMA) you can run \`vagrant destroy\`.
1795265714,vm2,provider-name,libvirt
1795265714,vm2,state,not_created
1795265714,vm2,state-human-short,not created
1795265714,vm2,state-human-long,The Libvirt domain is not created. Run \`vagrant up\` to create it.
1795265714,,ui,info,Current machine states:\\n\\nvm1                       running (libvirt)\\nvm2                       not created (libvirt)
`

/** In the form of 2.4.1 (plugins/commands/status), with the states that VirtualBox has. */
const virtualbox = `1705000000,vm1,metadata,provider,virtualbox
1705000000,vm1,provider-name,virtualbox
1705000000,vm1,state,poweroff
1705000000,vm1,state-human-short,poweroff
1705000000,vm2,provider-name,virtualbox
1705000000,vm2,state,gurumeditation
1705000000,,ui,warn,a message
`

test('the states of all machines are read, whichever provider has them', (t) => {
  t.deepEqual(
    [...parseStatus(release234)],
    [
      ['vm1', 'running'],
      ['vm2', 'not_created'],
    ],
  )
  t.deepEqual(
    [...parseStatus(virtualbox)],
    [
      ['vm1', 'poweroff'],
      ['vm2', 'gurumeditation'],
    ],
  )
})

test('what Ruby or a plugin prints between the lines says nothing of a machine', (t) => {
  const noise = '[fog][WARNING] Unrecognized arguments: libvirt_ip_command\n'

  t.deepEqual(parseStatus(noise + release234), parseStatus(release234))
})

for (const [title, text] of [
  ['no machine at all', '1795265714,,ui,info,nothing\n'],
  ['a machine in two states', `${release234}1795265715,vm1,state,shutoff\n`],
  ['a machine without a state', '1795265714,vm1,state,\n'],
] as const) {
  test(`${title} is an error with what was printed`, (t) => {
    const error = t.throws(() => parseStatus(text), { instanceOf: SluiceError })

    t.is(error.code, 'PROGRAM_FAILED')
    t.truthy(error.why)
  })
}

test('whatever is printed, it is read or is an error for users', (t) => {
  const altered = fc
    .tuple(fc.constantFrom(release234, virtualbox), fc.nat(600), fc.string({ maxLength: 6 }))
    .map(([text, at, inserted]) => text.slice(0, at) + inserted + text.slice(at))
  fc.assert(
    fc.property(fc.oneof(fc.string(), altered), (text) => {
      try {
        for (const [name, state] of parseStatus(text)) t.true(name !== '' && state !== '')
      } catch (error) {
        t.true(error instanceof SluiceError)
      }
    }),
  )
})

test('a state that says nothing to us names the machine to look at', (t) => {
  t.regex(nextStep('vm1', 'shutoff'), /sluice up -i vagrant/)
  t.regex(nextStep('vm1', 'gurumeditation'), /vagrant status vm1/)
})
