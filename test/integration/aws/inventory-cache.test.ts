import { TerminateInstancesCommand } from '@aws-sdk/client-ec2'
import test from 'ava'
import type { Inventory } from '../../../engine/inventory.ts'
import { Cloud } from './cloud.ts'
import { consoleText, startInventories } from './found-hosts.ts'
import { consoleAnswer } from './relay.ts'

const { moto, project, intercept } = await startInventories(test)

test.serial('300 instances are read page by page, and not again for a moment', async (t) => {
  const cloud = new Cloud(moto.url, 'eu-west-1')
  const image = await cloud.image('debian-12-amd64')
  const group = await cloud.securityGroup('kafka')
  await cloud.allow(group, {
    IpProtocol: 'tcp',
    FromPort: 22,
    ToPort: 22,
    IpRanges: [{ CidrIp: '10.0.0.0/8' }],
  })
  // In pages there are launches, so each instance has its own.
  for (let started = 0; started < 300; started += 10) {
    await Promise.all(
      Array.from({ length: 10 }, (_, index) =>
        cloud.instance(
          { Project: 'big', Role: 'kafka', Name: `k${started + index}` },
          { image, groups: [group] },
        ),
      ),
    )
  }
  intercept(t, ({ action, parameters }) =>
    action === 'GetConsoleOutput'
      ? consoleAnswer(parameters.get('InstanceId') ?? '', consoleText)
      : undefined,
  )
  const { show } = project(t, { regions: ['eu-west-1'], project: 'big', cacheSeconds: 600 })

  const first = await show()
  const second = await show()
  const refreshed = await show({}, ['--refresh'])

  t.is(first.exitCode, 0, first.stderr)
  const { hosts } = JSON.parse(first.stdout) as Inventory
  t.is(new Set(hosts.map(({ name }) => name)).size, 300)
  t.true(hosts.every(({ user }) => user === 'admin'))
  t.is(first.asked.filter((action) => action === 'DescribeInstances').length, 3)
  t.is(first.asked.filter((action) => action === 'GetConsoleOutput').length, 300)
  t.deepEqual(second.asked, [])
  t.is(second.stdout, first.stdout)
  t.is(refreshed.asked.filter((action) => action === 'DescribeInstances').length, 3)
  t.false(refreshed.asked.includes('GetConsoleOutput'))
})

test.serial('a run that changes hosts asks which there are now; one that only looks need not', async (t) => {
  const cloud = new Cloud(moto.url, 'eu-west-3')
  const image = await cloud.image('debian-12-amd64')
  intercept(t, ({ action, parameters }) =>
    action === 'GetConsoleOutput'
      ? consoleAnswer(parameters.get('InstanceId') ?? '', consoleText)
      : undefined,
  )
  const { run } = project(t, {
    regions: ['eu-west-3'],
    project: 'moving',
    address: 'private',
    cacheSeconds: 600,
  })
  const launch = (name: string) => cloud.instance({ Project: 'moving', Role: 'kafka', Name: name }, { image })
  const first = await launch('vm1')
  const hostsIn = (text: string) =>
    text.split('\n').flatMap((line) => (line.startsWith('vm') ? line.slice(0, 3) : []))

  const shown = await run(['inventory', 'show'])
  await launch('vm2')
  await cloud.client.send(new TerminateInstancesCommand({ InstanceIds: [first] }))
  const checked = await run(['harden', '--check', '--timeout', '1', '--json'])
  const hardened = await run(['harden', '--timeout', '1', '--json'])
  const shownAgain = await run(['inventory', 'show'])

  t.deepEqual(hostsIn(shown.stdout), ['vm1'])
  t.deepEqual(checked.asked, [])
  t.true(checked.stdout.includes('"vm1"'))
  t.true(hardened.asked.includes('DescribeInstances'))
  t.true(hardened.stdout.includes('"vm2"'), hardened.stdout + hardened.stderr)
  t.false(hardened.stdout.includes('"vm1"'))
  t.deepEqual(hostsIn(shownAgain.stdout), ['vm2'])
  t.deepEqual(shownAgain.asked, [])
})
