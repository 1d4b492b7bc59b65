import {
  AttachInternetGatewayCommand,
  CreateInternetGatewayCommand,
  CreateSubnetCommand,
  CreateVpcCommand,
  DeleteInternetGatewayCommand,
  DeleteSubnetCommand,
  DeleteVpcCommand,
  DetachInternetGatewayCommand,
} from '@aws-sdk/client-ec2'
import * as v from 'valibot'
import { SluiceError } from '../../../engine/errors.ts'
import { compare, defineResource } from '../../../engine/resource.ts'
import { regionOf } from './connection.ts'
import { Stack, tagSpecification, tagsOf } from './stack.ts'
import { onceFree, step } from './steps.ts'

const VpcSpec = v.strictObject({ stack: Stack, network: v.string() })

/** The network that everything else is in. */
export const vpc = defineResource<typeof VpcSpec, { ids: string[]; network: string }>({
  kind: 'vpc',
  spec: VpcSpec,
  id: ({ stack }) => stack.name,
  reads: () => ['vpc'],
  touches: () => ['vpc'],

  probe: () => ({
    async read(access) {
      const { vpcs } = await regionOf(access).holdings()
      const [first] = vpcs
      return first && { ids: vpcs.flatMap(({ VpcId }) => VpcId ?? []), network: first.CidrBlock ?? '' }
    },
  }),

  diff: ({ network }, have) => unchangeable('VPC', compare({ network }, have), have !== undefined),

  apply: ({ stack, network }) => [
    step('create the VPC', async (region) => {
      const { Vpc } = await region.api.send(
        new CreateVpcCommand({
          CidrBlock: network,
          TagSpecifications: [tagSpecification('vpc', tagsOf(stack, 'vpc'))],
        }),
      )
      await region.seen('the VPC is there', ({ vpcs }) => vpcs.find(({ VpcId }) => VpcId === Vpc?.VpcId))
    }),
  ],

  remove: (_, { ids }) =>
    ids.map((VpcId) =>
      step(`delete ${VpcId}`, async (region, progress) => {
        await onceFree(region, progress, () => region.api.send(new DeleteVpcCommand({ VpcId })))
        await region.seen(
          `${VpcId} is gone`,
          ({ vpcs }) => !vpcs.some((each) => each.VpcId === VpcId) || undefined,
        )
      }),
    ),
})

const SubnetSpec = v.strictObject({ stack: Stack, network: v.string(), zone: v.optional(v.string()) })

/** Where the hosts' addresses are. */
export const subnet = defineResource<typeof SubnetSpec, { ids: string[]; network: string; zone: string }>({
  kind: 'subnet',
  spec: SubnetSpec,
  id: ({ stack }) => stack.name,
  reads: () => ['vpc', 'subnet'],
  touches: () => ['subnet'],

  probe: () => ({
    async read(access) {
      const { subnets } = await regionOf(access).holdings()
      const [first] = subnets
      const { CidrBlock: network = '', AvailabilityZone: zone = '' } = first ?? {}
      return first && { ids: subnets.flatMap(({ SubnetId }) => SubnetId ?? []), network, zone }
    },
  }),

  diff: ({ network, zone }, have) =>
    unchangeable('subnet', compare({ network, zone }, have), have !== undefined),

  apply: ({ stack, network, zone }) => [
    step('create the subnet', async (region) => {
      const { vpcs } = await region.holdings()
      const { Subnet } = await region.api.send(
        new CreateSubnetCommand({
          VpcId: vpcs[0]?.VpcId,
          CidrBlock: network,
          ...(zone !== undefined && { AvailabilityZone: zone }),
          TagSpecifications: [tagSpecification('subnet', tagsOf(stack, 'subnet'))],
        }),
      )
      await region.seen('the subnet is there', ({ subnets }) =>
        subnets.find(({ SubnetId }) => SubnetId === Subnet?.SubnetId),
      )
    }),
  ],

  remove: (_, { ids }) =>
    ids.map((SubnetId) =>
      step(`delete ${SubnetId}`, async (region, progress) => {
        await onceFree(region, progress, () => region.api.send(new DeleteSubnetCommand({ SubnetId })))
      }),
    ),
})

const GatewaySpec = v.strictObject({ stack: Stack })

/** The way between the VPC and the internet. */
export const internetGateway = defineResource<
  typeof GatewaySpec,
  { gateways: { id: string; attachedTo: string | undefined }[]; attached: string | undefined }
>({
  kind: 'internet gateway',
  spec: GatewaySpec,
  id: ({ stack }) => stack.name,
  reads: () => ['vpc', 'gateway'],
  touches: () => ['gateway'],

  probe: () => ({
    async read(access) {
      const { gateways, vpcs } = await regionOf(access).holdings()
      if (gateways.length === 0) return undefined
      const found = gateways.map(({ InternetGatewayId = '', Attachments = [] }) => ({
        id: InternetGatewayId,
        attachedTo: Attachments.find(({ State }) => State !== 'detached')?.VpcId,
      }))
      const attached = found.some(
        ({ attachedTo }) => attachedTo !== undefined && attachedTo === vpcs[0]?.VpcId,
      )
      return { gateways: found, attached: attached ? 'vpc' : undefined }
    },
  }),

  diff: (_, have) => compare({ attached: 'vpc' }, have),

  apply: ({ stack }, have) => [
    ...(have === undefined
      ? [
          step('create the internet gateway', async (region) => {
            const { InternetGateway } = await region.api.send(
              new CreateInternetGatewayCommand({
                TagSpecifications: [tagSpecification('internet-gateway', tagsOf(stack, 'internet-gateway'))],
              }),
            )
            const id = InternetGateway?.InternetGatewayId
            await region.seen('the internet gateway is there', ({ gateways }) =>
              gateways.find((each) => each.InternetGatewayId === id),
            )
          }),
        ]
      : []),
    step('attach the internet gateway', async (region) => {
      const { gateways, vpcs } = await region.holdings()
      const [InternetGatewayId, VpcId] = [gateways[0]?.InternetGatewayId, vpcs[0]?.VpcId]
      await region.api.send(new AttachInternetGatewayCommand({ InternetGatewayId, VpcId }))
      await region.seen('the internet gateway is attached', ({ gateways: [gateway] }) =>
        gateway?.Attachments?.find((each) => each.VpcId === VpcId),
      )
    }),
  ],

  remove: (_, { gateways }) =>
    gateways.map(({ id: InternetGatewayId, attachedTo }) =>
      step(`delete ${InternetGatewayId}`, async (region, progress) => {
        if (attachedTo !== undefined) {
          await onceFree(region, progress, () =>
            region.api.send(new DetachInternetGatewayCommand({ InternetGatewayId, VpcId: attachedTo })),
          )
        }
        await onceFree(region, progress, () =>
          region.api.send(new DeleteInternetGatewayCommand({ InternetGatewayId })),
        )
      }),
    ),
})

/** @throws SluiceError AWS_CONFLICT when something is there already and is not as declared */
function unchangeable<Changes extends ReturnType<typeof compare>>(
  what: string,
  changes: Changes,
  there: boolean,
): Changes {
  if (!there || changes.length === 0) return changes
  const sides = changes.map(({ property, have, want }) => `${property} is ${have}, should be ${want}`)
  throw new SluiceError('AWS_CONFLICT', {
    subject: `the ${what} is there and cannot be changed: ${sides.join('; ')}`,
    advice:
      'declare what there is (aws.up in sluice.config.json), or sluice destroy and sluice up again: that loses what is on the hosts',
  })
}
