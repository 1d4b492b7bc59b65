import type { Instance } from '@aws-sdk/client-ec2'
import * as v from 'valibot'
import { SluiceError } from '../../../engine/errors.ts'
import { defineResource } from '../../../engine/resource.ts'
import { regionOf } from './connection.ts'
import { goingAway, instancePart, partsOf, Stack } from './stack.ts'
import { step } from './steps.ts'

const RunningSpec = v.strictObject({ stack: Stack, names: v.array(v.string()) })

/** That all instances run: they are launched one after the other and start together. */
export const instancesRun = defineResource<typeof RunningSpec, { waitsFor: string }>({
  kind: 'running',
  spec: RunningSpec,
  id: () => 'instances',
  reads: ({ names }) => names.map((name) => `instance/${name}`),
  touches: () => ['running'],
  waits: true,

  probe: ({ names }) => ({
    read: async (access) => ({
      waitsFor: notRunning((await regionOf(access).holdings()).instances, names).join(', '),
    }),
  }),

  diff: (_, have) =>
    have?.waitsFor === '' ? [] : [{ property: 'state', have: have?.waitsFor, want: 'running' }],

  apply: ({ names }) => [
    step('wait until the instances run', async (region, progress) => {
      await region.api.until({ what: 'the instances run', seconds: 600, progress }, async () => {
        const { instances } = await region.holdings()
        const ended = instances.find(({ State }) => goingAway.includes(State?.Name))
        if (ended !== undefined) throw endedAtOnce(ended)
        return notRunning(instances, names).length === 0 || undefined
      })
    }),
  ],
})

function notRunning(instances: readonly Instance[], names: readonly string[]): string[] {
  return names.filter(
    (name) => !partsOf(instances, instancePart(name)).some(({ State }) => State?.Name === 'running'),
  )
}

function endedAtOnce({ InstanceId, StateReason }: Instance): SluiceError {
  return new SluiceError('AWS_REFUSED', {
    subject: `AWS ended ${InstanceId} right after it was launched`,
    why: `${StateReason?.Code ?? 'no reason is given'}: ${StateReason?.Message ?? ''}`,
    advice: 'see what it names (a limit of volumes, a key of KMS), then run again: another one is launched',
  })
}
