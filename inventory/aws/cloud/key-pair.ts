import { DeleteKeyPairCommand, ImportKeyPairCommand } from '@aws-sdk/client-ec2'
import * as v from 'valibot'
import { compare, defineResource } from '../../../engine/resource.ts'
import { regionOf } from './connection.ts'
import { Stack, tagSpecification, tagsOf } from './stack.ts'
import { step } from './steps.ts'

const Spec = v.strictObject({ stack: Stack, publicKey: v.string() })

/** The user's public key, which new instances let in. */
export const keyPair = defineResource<typeof Spec, { names: string[]; key: string }>({
  kind: 'key pair',
  spec: Spec,
  id: ({ stack }) => stack.name,
  reads: () => ['key-pair'],
  touches: () => ['key-pair'],

  probe: () => ({
    async read(access) {
      const { keyPairs } = await regionOf(access).holdings()
      const [first] = keyPairs
      return (
        first && {
          names: keyPairs.flatMap(({ KeyName }) => KeyName ?? []),
          key: withoutComment(first.PublicKey ?? ''),
        }
      )
    },
  }),

  diff: ({ publicKey }, have) => compare({ key: withoutComment(publicKey) }, have),

  apply: ({ stack, publicKey }, have) => [
    step('import the public key', async (region, progress) => {
      for (const KeyName of have?.names ?? []) {
        progress('instances that are there keep the key with which they were made')
        await region.api.send(new DeleteKeyPairCommand({ KeyName }))
      }
      await region.api.send(
        new ImportKeyPairCommand({
          KeyName: stack.name,
          PublicKeyMaterial: Buffer.from(withoutComment(publicKey)),
          TagSpecifications: [tagSpecification('key-pair', tagsOf(stack, 'key-pair'))],
        }),
      )
      await region.seen('the key pair is there', ({ keyPairs }) => keyPairs[0])
    }),
  ],

  remove: (_, { names }) =>
    names.map((KeyName) =>
      step(`delete the key pair ${KeyName}`, async ({ api }) => {
        await api.send(new DeleteKeyPairCommand({ KeyName }))
      }),
    ),
})

/** Kind and key: what stands behind them differs between what was sent and what AWS gives back. */
function withoutComment(publicKey: string): string {
  return publicKey.trim().split(/\s+/).slice(0, 2).join(' ')
}
