import { createHash } from 'node:crypto'
import { RunInstancesCommand, type RunInstancesCommandInput } from '@aws-sdk/client-ec2'
import { SluiceError } from '../../../engine/errors.ts'
import type { RegionConnection } from './connection.ts'
import { groupIds, type Holdings } from './holdings.ts'
import type { Image } from './images.ts'
import { partsOf, type Stack, tagSpecification, tagsOf } from './stack.ts'
import type { Wanted } from './wanted.ts'

export interface Launch {
  stack: Stack
  name: string
  part: string
  wanted: Wanted
  image: Image
  progress(message: string): void
}

/** How many instances of the same name may have been terminated within a day. */
const mostGenerations = 50

/** Launches an instance once, however often the request is sent. */
export async function launch(region: RegionConnection, wish: Launch): Promise<void> {
  const { part, name, progress } = wish
  // Its address is free only when it is gone.
  const holdings = await region.api.until(
    { what: `the former ${name} is gone`, seconds: 600, progress },
    async () => {
      const now = await region.holdings()
      return partsOf(now.instances, part).length === 0 ? now : undefined
    },
  )
  const request = requestFor(wish, holdings)
  const id = await launchOnce(region, request)
  await region.seen(`${name} is there`, ({ instances }) =>
    instances.find(({ InstanceId }) => InstanceId === id),
  )
}

async function launchOnce({ api }: RegionConnection, request: RunInstancesCommandInput): Promise<string> {
  for (let generation = 0; generation < mostGenerations; generation++) {
    // The same token gets the same instance, also when that has been terminated since.
    const ClientToken = createHash('sha256')
      .update(JSON.stringify([request, generation]))
      .digest('hex')
    const launched = await api
      .send(new RunInstancesCommand({ ...request, ClientToken }))
      .catch((error: unknown) => {
        const { cause } = error as Error
        if (cause instanceof Error && cause.name === 'IdempotentInstanceTerminated') return undefined
        throw error
      })
    const [instance] = launched?.Instances ?? []
    const over = ['shutting-down', 'terminated'].includes(instance?.State?.Name ?? 'terminated')
    if (instance?.InstanceId !== undefined && !over) return instance.InstanceId
  }
  throw new SluiceError('AWS_REFUSED', {
    subject: `AWS remembers ${mostGenerations} instances like this one that were terminated, and gives no new one`,
    advice: 'wait a day, or change the type, the disk or the image in aws.up of sluice.config.json',
  })
}

function requestFor(
  { stack, name, part, wanted, image }: Launch,
  holdings: Holdings,
): RunInstancesCommandInput {
  const { type, address, diskGb, groups } = wanted
  const tags = { ...tagsOf(stack, part, { name }), ...wanted.tags }
  return {
    ImageId: image.id,
    InstanceType: type as NonNullable<RunInstancesCommandInput['InstanceType']>,
    MinCount: 1,
    MaxCount: 1,
    KeyName: holdings.keyPairs[0]?.KeyName,
    MetadataOptions: { HttpTokens: 'required', HttpEndpoint: 'enabled' },
    NetworkInterfaces: [
      {
        DeviceIndex: 0,
        SubnetId: holdings.subnets[0]?.SubnetId,
        PrivateIpAddress: address,
        AssociatePublicIpAddress: true,
        Groups: groupIds(holdings.securityGroups, groups),
        DeleteOnTermination: true,
      },
    ],
    BlockDeviceMappings: [
      {
        DeviceName: image.rootDevice,
        Ebs: { VolumeSize: diskGb, VolumeType: 'gp3', Encrypted: true, DeleteOnTermination: true },
      },
    ],
    TagSpecifications: [
      tagSpecification('instance', tags),
      tagSpecification('volume', tagsOf(stack, `volume ${name}`)),
      tagSpecification('network-interface', tagsOf(stack, `network-interface ${name}`)),
    ],
  }
}
