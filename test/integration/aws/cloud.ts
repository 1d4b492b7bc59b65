import {
  AuthorizeSecurityGroupIngressCommand,
  CreateManagedPrefixListCommand,
  CreateNetworkInterfaceCommand,
  CreateSecurityGroupCommand,
  DescribeInstancesCommand,
  DescribeSubnetsCommand,
  DescribeVpcsCommand,
  EC2Client,
  type IpPermission,
  RegisterImageCommand,
  RunInstancesCommand,
} from '@aws-sdk/client-ec2'

/** One region of a cloud that a test makes. */
export class Cloud {
  readonly client: EC2Client
  readonly #endpoint: string

  constructor(endpoint: string, region: string) {
    this.#endpoint = endpoint
    const credentials = { accessKeyId: 'test', secretAccessKey: 'test' }
    this.client = new EC2Client({ endpoint, region, credentials })
  }

  async vpc(): Promise<string> {
    const { Vpcs } = await this.client.send(new DescribeVpcsCommand({}))
    return required(Vpcs?.[0]?.VpcId)
  }

  async image(Name: string): Promise<string> {
    const { ImageId } = await this.client.send(new RegisterImageCommand({ Name, Architecture: 'x86_64' }))
    return required(ImageId)
  }

  async securityGroup(GroupName: string): Promise<string> {
    const VpcId = await this.vpc()
    const { GroupId } = await this.client.send(
      new CreateSecurityGroupCommand({ GroupName, Description: GroupName, VpcId }),
    )
    return required(GroupId)
  }

  async allow(GroupId: string, ...IpPermissions: IpPermission[]): Promise<void> {
    await this.client.send(new AuthorizeSecurityGroupIngressCommand({ GroupId, IpPermissions }))
  }

  /** An interface of no instance, such as that of a load balancer; returns its address. */
  async networkInterface(Groups: string[]): Promise<string> {
    const { Subnets } = await this.client.send(new DescribeSubnetsCommand({}))
    const { NetworkInterface } = await this.client.send(
      new CreateNetworkInterfaceCommand({ SubnetId: required(Subnets?.[0]?.SubnetId), Groups }),
    )
    return required(NetworkInterface?.PrivateIpAddress)
  }

  async prefixList(networks: string[]): Promise<string> {
    const { PrefixList } = await this.client.send(
      new CreateManagedPrefixListCommand({
        PrefixListName: 'offices',
        AddressFamily: 'IPv4',
        MaxEntries: networks.length,
        Entries: networks.map((Cidr) => ({ Cidr })),
      }),
    )
    return required(PrefixList?.PrefixListId)
  }

  /** The private address of the one instance of a project. */
  async addressOf(project: string): Promise<string> {
    const filter = { Name: 'tag:Project', Values: [project] }
    const { Reservations } = await this.client.send(new DescribeInstancesCommand({ Filters: [filter] }))
    return required(Reservations?.[0]?.Instances?.[0]?.PrivateIpAddress)
  }

  /** One instance; returns its identifier. */
  async instance(
    tags: Record<string, string>,
    { image, groups }: { image: string; groups?: string[] },
  ): Promise<string> {
    const { Instances } = await this.client.send(
      new RunInstancesCommand({
        ImageId: image,
        InstanceType: 't3.small',
        MinCount: 1,
        MaxCount: 1,
        ...(groups !== undefined && { SecurityGroupIds: groups }),
        TagSpecifications: [
          { ResourceType: 'instance', Tags: Object.entries(tags).map(([Key, Value]) => ({ Key, Value })) },
        ],
      }),
    )
    return required(Instances?.[0]?.InstanceId)
  }

  /** A user with this policy; returns the environment that is him. */
  async user(name: string, policy: string | undefined): Promise<Record<string, string>> {
    await this.#iam({ Action: 'CreateUser', UserName: name })
    if (policy !== undefined) {
      await this.#iam({ Action: 'PutUserPolicy', UserName: name, PolicyName: name, PolicyDocument: policy })
    }
    const answer = await this.#iam({ Action: 'CreateAccessKey', UserName: name })
    const field = (tag: string) => required(new RegExp(`<${tag}>([^<]+)</${tag}>`).exec(answer)?.[1])
    return { AWS_ACCESS_KEY_ID: field('AccessKeyId'), AWS_SECRET_ACCESS_KEY: field('SecretAccessKey') }
  }

  /** From now on, everybody needs credentials and permissions; or nobody. */
  async requirePermissions(required = true): Promise<void> {
    const body = required ? '0' : 'Infinity'
    await fetch(`${this.#endpoint}/moto-api/reset-auth`, { method: 'POST', body })
  }

  async #iam(parameters: Record<string, string>): Promise<string> {
    const response = await fetch(this.#endpoint, {
      method: 'POST',
      headers: {
        authorization:
          'AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/iam/aws4_request, SignedHeaders=host, Signature=0',
      },
      body: new URLSearchParams({ ...parameters, Version: '2010-05-08' }),
    })
    const text = await response.text()
    if (!response.ok) throw new Error(text)
    return text
  }
}

export function required<Value>(value: Value | undefined): Value {
  if (value === undefined) throw new Error('the cloud answered without what is needed')
  return value
}
