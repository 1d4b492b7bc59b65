import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { SluiceError } from '../../../../engine/errors.ts'
import { namedHosts } from '../../../../inventory/ssh-config/named-hosts.ts'
import { projectFolder } from '../../../support/cli.ts'

test('hosts that are called by name are found, patterns are not', (t) => {
  const folder = projectFolder(t, {
    config: [
      '# Host commented',
      'HOST vm1 vm1.example.org # Host remark',
      '  HostName 10.0.1.10',
      'Host="vm2"',
      'Host *.example.org vm? !vm9 vm3',
      'Match host vm4',
      'HostKeyAlias vm5',
      'host = vm1 vm6\r',
    ].join('\n'),
  })

  t.deepEqual(namedHosts(join(folder, 'config')), ['vm1', 'vm1.example.org', 'vm2', 'vm3', 'vm6'])
})

test('files that are included are read too, in order, and what is not there is nothing', (t) => {
  const folder = projectFolder(t)
  mkdirSync(join(folder, 'conf.d'))
  writeFileSync(join(folder, 'conf.d', 'b'), 'Host b\n')
  writeFileSync(join(folder, 'conf.d', 'a'), `Host a\nInclude ${folder}/deep ${folder}/absent\n`)
  writeFileSync(join(folder, 'deep'), `Host deep\nInclude ${folder}/config\n`)
  writeFileSync(join(folder, 'config'), `Host first\nInclude "${folder}/conf.d/*"\nHost last\n`)

  t.deepEqual(namedHosts(join(folder, 'config')), ['first', 'a', 'deep', 'b', 'last'])
})

test('a file that is named and not there, and a quotation mark alone, are errors with their place', (t) => {
  const folder = projectFolder(t, { config: '\nHost "vm1\n' })

  const absent = t.throws(() => namedHosts(join(folder, 'absent')), { instanceOf: SluiceError })
  const open = t.throws(() => namedHosts(join(folder, 'config')), { instanceOf: SluiceError })

  t.is(absent.at, join(folder, 'absent'))
  t.is(open.at, `${join(folder, 'config')}:2`)
})
