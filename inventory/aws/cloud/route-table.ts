import {
  AssociateRouteTableCommand,
  CreateRouteCommand,
  CreateRouteTableCommand,
  DeleteRouteTableCommand,
  DisassociateRouteTableCommand,
  ReplaceRouteCommand,
  type RouteTable,
} from '@aws-sdk/client-ec2'
import * as v from 'valibot'
import { compare, defineResource } from '../../../engine/resource.ts'
import { regionOf } from './connection.ts'
import type { Holdings } from './holdings.ts'
import { Stack, tagSpecification, tagsOf } from './stack.ts'
import { onceFree, step } from './steps.ts'

const everywhere = '0.0.0.0/0'

const Spec = v.strictObject({ stack: Stack })

interface Have {
  tables: { id: string; associations: string[] }[]
  [everywhere]: string | undefined
  subnet: string | undefined
}

/** Sends what is for nowhere in the VPC to the internet gateway. */
export const routeTable = defineResource<typeof Spec, Have>({
  kind: 'route table',
  spec: Spec,
  id: ({ stack }) => stack.name,
  reads: () => ['vpc', 'gateway', 'subnet', 'routes'],
  touches: () => ['routes'],

  probe: () => ({
    async read(access) {
      const holdings = await regionOf(access).holdings()
      const [first] = holdings.routeTables
      if (first === undefined) return undefined
      return {
        tables: holdings.routeTables.map((table) => ({
          id: table.RouteTableId ?? '',
          associations: (table.Associations ?? []).flatMap(
            ({ RouteTableAssociationId }) => RouteTableAssociationId ?? [],
          ),
        })),
        [everywhere]: targetOf(first, holdings),
        subnet: isAssociated(first, holdings) ? 'associated' : undefined,
      }
    },
  }),

  diff: (_, have) => compare({ [everywhere]: 'internet gateway', subnet: 'associated' }, have),

  apply: ({ stack }, have) => [
    ...(have === undefined
      ? [
          step('create the route table', async (region) => {
            const { vpcs } = await region.holdings()
            const { RouteTable } = await region.api.send(
              new CreateRouteTableCommand({
                VpcId: vpcs[0]?.VpcId,
                TagSpecifications: [tagSpecification('route-table', tagsOf(stack, 'route-table'))],
              }),
            )
            await region.seen('the route table is there', ({ routeTables }) =>
              routeTables.find(({ RouteTableId }) => RouteTableId === RouteTable?.RouteTableId),
            )
          }),
        ]
      : []),
    ...(have?.[everywhere] === 'internet gateway'
      ? []
      : [
          step('route to the internet gateway', async (region) => {
            const { routeTables, gateways } = await region.holdings()
            const route = {
              RouteTableId: routeTables[0]?.RouteTableId,
              GatewayId: gateways[0]?.InternetGatewayId,
              DestinationCidrBlock: everywhere,
            }
            const replaces = have?.[everywhere] !== undefined
            await region.api.send(replaces ? new ReplaceRouteCommand(route) : new CreateRouteCommand(route))
            await region.seen('the route is there', (holdings) => {
              const [table] = holdings.routeTables
              return (table && targetOf(table, holdings) === 'internet gateway') || undefined
            })
          }),
        ]),
    ...(have?.subnet === 'associated'
      ? []
      : [
          step('associate the subnet', async (region) => {
            const { routeTables, subnets } = await region.holdings()
            const [RouteTableId, SubnetId] = [routeTables[0]?.RouteTableId, subnets[0]?.SubnetId]
            await region.api.send(new AssociateRouteTableCommand({ RouteTableId, SubnetId }))
            await region.seen('the subnet is associated', (holdings) => {
              const [table] = holdings.routeTables
              return (table && isAssociated(table, holdings)) || undefined
            })
          }),
        ]),
  ],

  remove: (_, { tables }) =>
    tables.map(({ id: RouteTableId, associations }) =>
      step(`delete ${RouteTableId}`, async (region, progress) => {
        for (const AssociationId of associations) {
          await onceFree(region, progress, () =>
            region.api.send(new DisassociateRouteTableCommand({ AssociationId })),
          )
        }
        await onceFree(region, progress, () => region.api.send(new DeleteRouteTableCommand({ RouteTableId })))
      }),
    ),
})

/** Where what is for everywhere goes; `undefined` when it has no route. */
function targetOf({ Routes = [] }: RouteTable, { gateways }: Holdings): string | undefined {
  const route = Routes.find(({ DestinationCidrBlock }) => DestinationCidrBlock === everywhere)
  if (route === undefined) return undefined
  const ours = gateways.some(({ InternetGatewayId }) => InternetGatewayId === route.GatewayId)
  if (ours && route.State !== 'blackhole') return 'internet gateway'
  return route.GatewayId ?? route.NatGatewayId ?? route.InstanceId ?? 'something else'
}

function isAssociated({ Associations = [] }: RouteTable, { subnets }: Holdings): boolean {
  return Associations.some(({ SubnetId }) => SubnetId !== undefined && SubnetId === subnets[0]?.SubnetId)
}
