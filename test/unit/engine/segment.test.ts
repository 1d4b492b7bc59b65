import test from 'ava'
import type { Resource } from '../../../engine/resource.ts'
import { command } from '../../../engine/resources/command.ts'
import { file } from '../../../engine/resources/file.ts'
import { systemdUnit } from '../../../engine/resources/systemd-unit.ts'
import { spanEnd } from '../../../engine/segment.ts'
import { sh } from '../../../engine/shell.ts'

const lan = '/etc/systemd/network/10-lan.network'
const network = file({ path: lan, content: 'new\n' })
const reload = command({ name: 'reload', script: sh`:`, unless: sh`false`, reads: [`path:${lan}`] })
const service = systemdUnit({ unit: 'systemd-networkd.service', state: 'running', loads: [lan] })
const other = file({ path: '/etc/other', content: 'x\n' })
const changes = [{ property: 'content', have: 'old', want: 'new' }]

const end = (...resources: Resource[]) =>
  spanEnd(
    resources.map((resource) => ({ play: 'play', role: 'role', resource })),
    0,
    changes,
  )

test('the guard of a file that does nothing by itself reaches to the last resource that reads it', (t) => {
  t.is(end(network, other), 1)
  t.is(end(network, reload, other), 2)
  t.is(end(network, other, reload, other, service, other), 5)
})

for (const [path, effect] of [
  ['/etc/systemd/network/10-lan.network', /networkctl reconfigure/],
  ['/etc/systemd/network/10-lan.network.d/mtu.conf', /networkctl reconfigure/],
  ['/etc/netplan/50-lan.yaml', /netplan apply/],
  ['/etc/network/interfaces', /restart networking/],
  ['/etc/network/interfaces.d/lan', /restart networking/],
] as const) {
  test(`${path} is taken back together with what was made of it`, (t) => {
    const { guard } = file({ path, content: '' })

    t.deepEqual(guard?.paths, [path])
    t.regex(guard?.restore.text ?? '', effect)
    t.true((guard?.settleSeconds ?? 0) > 0)
  })
}

test('a file beside those of the network is under no guard', (t) => {
  t.is(file({ path: '/etc/network-notes', content: '' }).guard, undefined)
  t.is(file({ path: '/etc/systemd/system.conf', content: '' }).guard, undefined)
})
