import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  DescribeInstancesCommand,
  DescribeSecurityGroupsCommand,
  DescribeVpcsCommand,
} from '@aws-sdk/client-ec2'
import test from 'ava'
import { sh } from '../../../engine/shell.ts'
import { labPaths } from '../../../inventory/lab/names.ts'
import { projectFolder, sluice } from '../../support/cli.ts'
import { ask, isRoot, needsRoot, useLab } from '../../support/lab-hosts.ts'
import { Cloud, required } from './cloud.ts'
import { environment } from './cloud-api.ts'
import { startMoto } from './moto.ts'
import { consoleAnswer, startRelay } from './relay.ts'

const region = 'eu-central-1'

if (isRoot) {
  const lab = useLab(test, 'aws', 4)

  test('from nothing but credentials to the verified pipeline, through drift, and back to nothing', async (t) => {
    t.timeout(600_000)
    const moto = await startMoto()
    const relay = await startRelay(moto.url)
    t.teardown(async () => {
      await relay.stop()
      await moto.stop()
    })
    const { settings, inventory } = lab()
    const { hosts, policy } = inventory
    const cloud = new Cloud(moto.url, region)
    await cloud.image('debian-12-amd64-20260101')
    // The machines behind the instances are those of the lab at the same addresses, and show their keys as on a console.
    relay.intercept = async ({ action, parameters }) => {
      if (action !== 'GetConsoleOutput') return undefined
      const id = required(parameters.get('InstanceId') ?? undefined)
      const { Reservations } = await cloud.client.send(new DescribeInstancesCommand({ InstanceIds: [id] }))
      const address = Reservations?.[0]?.Instances?.[0]?.PrivateIpAddress
      const host = hosts.find(({ privateAddresses }) => privateAddresses[0] === address)
      const keys = (host?.hostKeys ?? []).map((key) => `${key} root@host\n`).join('')
      return consoleAnswer(id, `-----BEGIN SSH HOST KEY KEYS-----\n${keys}-----END SSH HOST KEY KEYS-----\n`)
    }
    const network = required(hosts[0]?.privateAddresses[0]).replace(/\d+$/, '0/24')
    const { identity } = labPaths(settings)
    const folder = projectFolder(t, {
      'sluice.config.json': JSON.stringify({
        inventory: 'aws',
        varsFiles: ['sizes.json'],
        aws: {
          regions: [region],
          project: 'whole',
          address: 'private',
          user: hosts[0]?.user,
          identityFile: identity,
          cacheSeconds: 0,
          up: {
            network,
            subnet: network,
            admin: policy.admin,
            image: { owner: 'self', name: 'debian-12-*' },
          },
        },
      }),
      'sizes.json': JSON.stringify({
        kafka: { heapMb: 512 },
        zookeeper: { heapMb: 128 },
        mongodb: { cacheGb: 0.5 },
      }),
    })
    const run = async (words: string[]) => {
      const started = performance.now()
      const result = await sluice(folder, words, { ...environment, AWS_ENDPOINT_URL_EC2: relay.url })
      const seconds = ((performance.now() - started) / 1000).toFixed(1)
      t.log(`${words.join(' ')}: exit code ${result.exitCode} after ${seconds} s`)
      return result
    }
    const onHost = async (name: string, script: ReturnType<typeof sh>) => {
      const connection = await lab().connect(required(hosts.find((host) => host.name === name)))
      try {
        return await ask(connection, script)
      } finally {
        connection.close()
      }
    }

    const made = await run(['up', '--verify'])
    t.is(made.exitCode, 0, made.stdout + made.stderr)
    t.regex(made.stdout, /Up: vm1, vm2, vm3, vm4 let us in by SSH/)
    t.regex(made.stdout, /verified: \d+ passed, 0 failed, 0 skipped/)

    const upAgain = await run(['up'])
    const provisionAgain = await run(['provision'])
    t.regex(upAgain.stdout, /Nothing changed in any region: all 20 resources are as declared/)
    t.regex(provisionAgain.stdout, /Nothing changed on any host/)

    const { SecurityGroups = [] } = await cloud.client.send(new DescribeSecurityGroupsCommand({}))
    const kafka = required(SecurityGroups.find(({ GroupName }) => GroupName === 'whole-kafka')?.GroupId)
    await cloud.allow(kafka, {
      IpProtocol: 'tcp',
      FromPort: 9092,
      ToPort: 9092,
      IpRanges: [{ CidrIp: '192.0.2.0/24' }],
    })
    await onHost('vm4', sh`systemctl stop producer@2`)
    const drift = await run(['drift'])
    const cloudDrift = await run(['up', '--check'])
    const repaired = await run(['up', '--provision'])
    const verified = await run(['verify-e2e'])
    const noDrift = await run(['drift'])
    t.is(drift.exitCode, 2, drift.stderr)
    t.regex(drift.stdout, /ufw rules {2}rule allow tcp 9092 from 192\.0\.2\.0\/24 present/)
    t.regex(drift.stdout, /unit producer@2\.service {2}state inactive → running/)
    t.is(cloudDrift.exitCode, 2)
    t.regex(cloudDrift.stdout, /ingress rules kafka {2}rule tcp 9092 from 192\.0\.2\.0\/24 present → absent/)
    t.is(repaired.exitCode, 0, repaired.stdout + repaired.stderr)
    t.is(verified.exitCode, 0, verified.stdout)
    t.is(noDrift.exitCode, 0, noDrift.stdout)

    const bare = await run(['destroy', '--installed', '--yes', '--data'])
    const afterwards = await run(['up', '--check'])
    t.is(bare.exitCode, 0, bare.stderr)
    t.regex(bare.stdout, /resources removed on 4 hosts/)
    t.is(afterwards.exitCode, 0, afterwards.stdout)

    const pinned = readFileSync(join(folder, '.sluice', 'known_hosts'), 'utf8')
    const destroyed = await run(['destroy', '--yes'])
    t.is(destroyed.exitCode, 0, destroyed.stderr)
    t.regex(destroyed.stdout, /All of it is gone/)
    const left = await cloud.client.send(
      new DescribeVpcsCommand({ Filters: [{ Name: 'tag:sluice-stack', Values: ['whole'] }] }),
    )
    t.deepEqual(left.Vpcs, [])
    t.true(pinned.length > 0)
    t.is(readFileSync(join(folder, '.sluice', 'known_hosts'), 'utf8'), '')
  })
} else {
  test.skip(needsRoot, (t) => t.pass())
}
