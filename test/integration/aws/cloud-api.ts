import type { TestFn } from 'ava'
import { type Moto, startMoto } from './moto.ts'
import { type Relay, startRelay } from './relay.ts'

/** The API of a cloud: a server, and the relay by way of which commands ask it. */
export interface CloudApi {
  moto: Moto
  relay: Relay
}

/** Credentials that the server takes, and nothing of what this machine has of its own. */
export const environment = {
  AWS_CONFIG_FILE: '/dev/null',
  AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
  AWS_EC2_METADATA_DISABLED: 'true',
  AWS_ACCESS_KEY_ID: 'test',
  AWS_SECRET_ACCESS_KEY: 'test',
}

/** An API of a test file's own, until its last test ends; they share it, so they run one after another. */
export async function startCloudApi(test: TestFn): Promise<CloudApi> {
  const moto = await startMoto()
  const relay = await startRelay(moto.url)
  test.after.always(async () => {
    await relay.stop()
    await moto.stop()
  })
  return { moto, relay }
}
