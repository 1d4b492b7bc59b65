import type { PipelineAccess } from '../../engine/cli/registry.ts'
import { SluiceError } from '../../engine/errors.ts'
import type { Connection } from '../../engine/transport/connection.ts'
import { serviceAddress } from '../../roles/layout.ts'
import { CheckFailure } from '../verify/checklist.ts'
import { expectationsOf } from '../verify/expectations.ts'
import type { BrokerPlace } from '../verify/kafka.ts'

/** Lets `use` work with the brokers of an inventory; the connections to their hosts end with it. */
export async function withBrokers<Result>(
  { inventory, connect }: PipelineAccess,
  use: (brokers: BrokerPlace[]) => Promise<Result>,
): Promise<Result> {
  const hosts = inventory.hosts.filter(({ groups }) => groups.includes('kafka'))
  if (hosts.length === 0) {
    throw new SluiceError('HOSTS_UNKNOWN', {
      subject: `no host of ${inventory.name} is in the group kafka`,
      advice: 'name the inventory of the pipeline with --inventory',
    })
  }
  const connections: Connection[] = []
  try {
    const brokers = hosts.map(async (host) => {
      const connection = await connect(host)
      connections.push(connection)
      const { kafkaPort: port } = expectationsOf(host, inventory)
      return { connection, address: serviceAddress(host), port }
    })
    return await use(await Promise.all(brokers))
  } catch (error) {
    throw unreachable('Kafka', hosts.map(({ name }) => name).join(', '), error)
  } finally {
    for (const connection of connections) connection.close()
  }
}

/** What a client of a service could not do, as an error for who typed the command. */
export function unreachable(service: string, where: string, error: unknown): unknown {
  if (error instanceof SluiceError || error instanceof TypeError) return error
  return new SluiceError('PIPELINE_UNREACHABLE', {
    subject: `${service} on ${where} could not be asked`,
    why: error instanceof Error ? error.message : String(error),
    advice:
      (error instanceof CheckFailure ? error.advice : undefined) ??
      'sluice verify-e2e says which link is broken',
    cause: error,
  })
}
