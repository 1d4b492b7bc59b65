import { CreateSecurityGroupCommand, DeleteSecurityGroupCommand } from '@aws-sdk/client-ec2'
import * as v from 'valibot'
import { defineResource } from '../../../engine/resource.ts'
import { regionOf } from './connection.ts'
import { groupPart, partsOf, Stack, tagSpecification, tagsOf } from './stack.ts'
import { onceFree, step } from './steps.ts'

const GroupSpec = v.strictObject({ stack: Stack, name: v.string(), description: v.string() })

/** A security group, without its rules: these may name other groups. */
export const securityGroup = defineResource<typeof GroupSpec, { ids: string[] }>({
  kind: 'security group',
  spec: GroupSpec,
  id: ({ name }) => name,
  reads: ({ name }) => ['vpc', `security-group/${name}`],
  touches: ({ name }) => [`security-group/${name}`],

  probe: ({ name }) => ({
    async read(access) {
      const found = partsOf((await regionOf(access).holdings()).securityGroups, groupPart(name))
      return found.length === 0 ? undefined : { ids: found.flatMap(({ GroupId }) => GroupId ?? []) }
    },
  }),

  diff: (_, have) => (have === undefined ? [{ property: 'state', have: undefined, want: 'present' }] : []),

  apply: ({ stack, name, description }) => [
    step(`create the security group ${name}`, async (region) => {
      const { vpcs } = await region.holdings()
      const { GroupId } = await region.api.send(
        new CreateSecurityGroupCommand({
          VpcId: vpcs[0]?.VpcId,
          GroupName: `${stack.name}-${name}`,
          Description: description,
          TagSpecifications: [
            tagSpecification(
              'security-group',
              tagsOf(stack, groupPart(name), { name: `${stack.name}-${name}` }),
            ),
          ],
        }),
      )
      await region.seen(`the security group ${name} is there`, ({ securityGroups }) =>
        securityGroups.find((each) => each.GroupId === GroupId),
      )
    }),
  ],

  remove: ({ name }, { ids }) =>
    ids.map((GroupId) =>
      step(`delete the security group ${name}`, async (region, progress) => {
        await onceFree(region, progress, () => region.api.send(new DeleteSecurityGroupCommand({ GroupId })))
      }),
    ),
})
