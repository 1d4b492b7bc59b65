import {
  AuthorizeSecurityGroupIngressCommand,
  CreateSecurityGroupCommand,
  CreateSubnetCommand,
  CreateVpcCommand,
  DeleteNetworkInterfaceCommand,
  DescribeInstancesCommand,
  type IpPermission,
  RevokeSecurityGroupIngressCommand,
  RunInstancesCommand,
  TerminateInstancesCommand,
} from '@aws-sdk/client-ec2'
import test from 'ava'
import { projectFolder, sluice } from '../../support/cli.ts'
import { isRoot, needsRoot, useLab } from '../../support/lab-hosts.ts'
import { Cloud, required } from './cloud.ts'
import { environment } from './cloud-api.ts'
import { startMoto } from './moto.ts'
import { consoleAnswer, startRelay } from './relay.ts'

const region = 'eu-central-1'

const tcp = (FromPort: number, ToPort: number, from: Partial<IpPermission>): IpPermission => ({
  IpProtocol: 'tcp',
  FromPort,
  ToPort,
  ...from,
})

if (isRoot) {
  const lab = useLab(test, 'aws-firewall', 2)

  test('security groups that change at the API are drift on the hosts, to be set right; a lockout names its group', async (t) => {
    t.timeout(600_000)
    const moto = await startMoto()
    const relay = await startRelay(moto.url)
    t.teardown(async () => {
      await relay.stop()
      await moto.stop()
    })
    const { hosts, policy } = lab().inventory
    const { client } = new Cloud(moto.url, region)
    const network = required(hosts[0]?.privateAddresses[0]).replace(/\d+$/, '0/24')
    const { Vpc } = await client.send(new CreateVpcCommand({ CidrBlock: network }))
    const { Subnet } = await client.send(new CreateSubnetCommand({ VpcId: Vpc?.VpcId, CidrBlock: network }))
    const image = await new Cloud(moto.url, region).image('debian-12-amd64')
    const group = async (GroupName: string) => {
      const { GroupId } = await client.send(
        new CreateSecurityGroupCommand({ GroupName, Description: GroupName, VpcId: Vpc?.VpcId }),
      )
      return required(GroupId)
    }
    const allow = (GroupId: string, ...IpPermissions: IpPermission[]) =>
      client.send(new AuthorizeSecurityGroupIngressCommand({ GroupId, IpPermissions }))
    const instance = async (Name: string, address: string | undefined, groups: string[]) => {
      const { Instances } = await client.send(
        new RunInstancesCommand({
          ...{ ImageId: image, InstanceType: 't3.small', MinCount: 1, MaxCount: 1 },
          ...{ SubnetId: Subnet?.SubnetId, PrivateIpAddress: required(address), SecurityGroupIds: groups },
          TagSpecifications: [
            {
              ResourceType: 'instance',
              Tags: Object.entries({ Project: 'walls', Role: 'host', Name }).map(([Key, Value]) => ({
                Key,
                Value,
              })),
            },
          ],
        }),
      )
      return required(Instances?.[0]?.InstanceId)
    }
    // The machines behind the instances are those of the lab at the same addresses, and show their keys as on a console.
    relay.intercept = async ({ action, parameters }) => {
      if (action !== 'GetConsoleOutput') return undefined
      const id = required(parameters.get('InstanceId') ?? undefined)
      const { Reservations } = await client.send(new DescribeInstancesCommand({ InstanceIds: [id] }))
      const address = Reservations?.[0]?.Instances?.[0]?.PrivateIpAddress
      const keys = hosts.find(({ privateAddresses }) => privateAddresses[0] === address)?.hostKeys ?? []
      const shown = keys.map((key) => `${key} root@host\n`).join('')
      return consoleAnswer(id, `-----BEGIN SSH HOST KEY KEYS-----\n${shown}-----END SSH HOST KEY KEYS-----\n`)
    }
    const folder = projectFolder(t, {
      'sluice.config.json': JSON.stringify({
        inventory: 'aws',
        aws: {
          ...{ regions: [region], project: 'walls', address: 'private' },
          ...{ user: hosts[0]?.user, identityFile: hosts[0]?.identityFile },
        },
      }),
    })
    const run = (...words: string[]) =>
      sluice(folder, [...words, '--limit', 'vm1,vm2'], { ...environment, AWS_ENDPOINT_URL_EC2: relay.url })
    const differences = async () => {
      const { exitCode, stdout, stderr } = await run('firewall', 'diff', '--json')
      const documents = stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line))
      const found = documents.flatMap(({ host, differences: all = [] }) =>
        all.map(({ kind, what }: { kind: string; what: string }) => `${host} ${kind} ${what}`),
      )
      t.is(exitCode, found.length === 0 ? 0 : 2, stderr)
      return found.sort()
    }
    const harden = async () => {
      const { exitCode, stdout, stderr } = await run('harden', '--tags', 'firewall', '--refresh')
      t.is(exitCode, 0, `${stdout}${stderr}`)
    }
    const admin = policy.admin.filter((each) => !each.includes(':')).map((CidrIp) => ({ CidrIp }))
    const login = tcp(22, 22, { IpRanges: admin })
    const [servers, clients] = [await group('servers'), await group('clients')]
    await allow(
      servers,
      login,
      tcp(9000, 9100, { UserIdGroupPairs: [{ GroupId: clients }] }),
      { IpProtocol: '-1', UserIdGroupPairs: [{ GroupId: servers }] },
      { IpProtocol: 'icmp', FromPort: 8, ToPort: -1, IpRanges: [{ CidrIp: network }] },
    )
    await allow(clients, login)
    const [first, second] = hosts.map(({ privateAddresses }) => privateAddresses[0])
    await instance('vm1', first, [servers])
    await instance('vm2', second, [clients])

    await harden()
    t.deepEqual(await differences(), [])

    const joining = await instance('vm3', network.replace('0/24', '77'), [clients])
    await allow(servers, tcp(2181, 2181, { IpRanges: [{ CidrIp: '0.0.0.0/0' }] }))
    t.deepEqual(await differences(), [
      'vm1 missing allow tcp 2181 from anywhere (IPv4)',
      `vm1 missing allow tcp 9000:9100 from ${network.replace('0/24', '77')}`,
    ])
    await harden()
    t.deepEqual(await differences(), [])

    const { Reservations } = await client.send(new DescribeInstancesCommand({ InstanceIds: [joining] }))
    const [last] = Reservations?.[0]?.Instances?.[0]?.NetworkInterfaces ?? []
    await client.send(new TerminateInstancesCommand({ InstanceIds: [joining] }))
    // AWS does this by itself.
    await client.send(new DeleteNetworkInterfaceCommand({ NetworkInterfaceId: last?.NetworkInterfaceId }))
    t.deepEqual(await differences(), [
      `vm1 surplus allow tcp 9000:9100 from ${network.replace('0/24', '77')}`,
    ])
    await harden()

    await client.send(new RevokeSecurityGroupIngressCommand({ GroupId: servers, IpPermissions: [login] }))
    const locked = await run('harden', '--tags', 'firewall', '--refresh')
    t.is(locked.exitCode, 1)
    t.regex(`${locked.stdout}${locked.stderr}`, /LOCKOUT_PREVENTED/)
    t.regex(
      `${locked.stdout}${locked.stderr}`,
      new RegExp(
        `let ${policy.admin[0]?.replace('/32', '')}/32 reach 22/tcp by a rule of the security group servers \\(${servers}\\)`,
      ),
    )
    t.deepEqual(await differences(), [`vm1 surplus allow tcp 22 from ${policy.admin[0]?.replace('/32', '')}`])
  })
} else {
  test.serial.skip(needsRoot, (t) => t.pass())
}
