import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { StartInstancesCommand, StopInstancesCommand } from '@aws-sdk/client-ec2'
import test from 'ava'
import { projectFolder, sluice } from '../../support/cli.ts'
import { Cloud, required } from './cloud.ts'
import { environment, startCloudApi } from './cloud-api.ts'
import { startMachines } from './machines.ts'
import { consoleAnswer } from './relay.ts'
import { instancesOf } from './stack.ts'

const { moto, relay } = await startCloudApi(test)

test('an instance that was stopped is set back by up, which logs in at its new address by the key that it showed once', async (t) => {
  t.timeout(600_000)
  const region = 'eu-central-1'
  const cloud = new Cloud(moto.url, region)
  await cloud.image('debian-12-amd64-20260101')
  const folder = projectFolder(t)
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(folder, 'key')])
  const publicKey = readFileSync(join(folder, 'key.pub'), 'utf8')
  const machines = await startMachines(t, { cloud, folder, publicKey })
  const up = {
    admin: ['203.0.113.7'],
    publicKey: 'key.pub',
    image: { owner: 'self', name: 'debian-12-*' },
    hosts: { vm1: { role: 'kafka' }, vm2: { role: 'mongodb' } },
  }
  const aws = { regions: [region], project: 'shop', port: machines.port, up }
  writeFileSync(join(folder, 'sluice.config.json'), JSON.stringify({ inventory: 'aws', aws }))
  relay.rewrite = machines.reachable
  relay.intercept = ({ action, parameters }) => {
    if (action !== 'GetConsoleOutput') return undefined
    const id = required(parameters.get('InstanceId') ?? undefined)
    const shown = hasStartedBefore ? '' : `${machines.hostKeyOf(id)} root@host\n`
    return consoleAnswer(id, `-----BEGIN SSH HOST KEY KEYS-----\n${shown}-----END SSH HOST KEY KEYS-----\n`)
  }
  // cloud-init shows the keys when an instance starts for the first time, and the console of each start is a new one.
  let hasStartedBefore = false
  const run = (words: string[]) =>
    sluice(folder, words, { ...environment, AWS_ENDPOINT_URL_EC2: relay.url, SSH_AUTH_SOCK: '' })
  const recorded = () =>
    readFileSync(join(folder, '.sluice', 'known_hosts'), 'utf8')
      .trim()
      .split('\n')
      .sort()
  const expected = async () => {
    const instances = await instancesOf(cloud)
    return instances
      .map(({ InstanceId = '', PublicIpAddress = '' }) => {
        const name = `[${machines.reachable(PublicIpAddress)}]:${machines.port}`
        return `${name} ${machines.hostKeyOf(InstanceId)} ${InstanceId}`
      })
      .sort()
  }

  const made = await run(['up', '--wait', '60'])
  t.is(made.exitCode, 0, made.stderr)
  t.deepEqual(recorded(), await expected())

  const ids = (await instancesOf(cloud)).map(({ InstanceId }) => required(InstanceId))
  await cloud.client.send(new StopInstancesCommand({ InstanceIds: ids.slice(0, 1) }))
  hasStartedBefore = true
  const repaired = await run(['up', '--wait', '60'])
  t.is(repaired.exitCode, 0, repaired.stderr)
  t.regex(repaired.stdout, /Up: vm1, vm2 let us in by SSH/)
  t.deepEqual(recorded(), await expected())

  // By hand, and seen by a command that only looks.
  await cloud.client.send(new StopInstancesCommand({ InstanceIds: ids }))
  await cloud.client.send(new StartInstancesCommand({ InstanceIds: ids }))
  const shown = await run(['inventory', 'show', '--refresh'])
  t.is(shown.exitCode, 0, shown.stderr)
  t.regex(shown.stderr, /vm2 \(i-\w+\) is at 127\.[\d.]+ now; its host keys on record go with it/)
  t.deepEqual(recorded(), await expected())
})
