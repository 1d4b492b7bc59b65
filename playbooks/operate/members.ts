import type { PipelineAccess } from '../../engine/cli/pipeline-controls.ts'
import { reasonOf, SluiceError } from '../../engine/errors.ts'
import type { Host } from '../../engine/inventory.ts'
import type { Connection } from '../../engine/transport/connection.ts'
import { serviceAddress } from '../../roles/layout.ts'
import { CheckFailure } from '../verify/checklist.ts'
import { type Expectations, expectationsOf, type PipelineGroup } from '../verify/expectations.ts'
import type { BrokerPlace } from '../verify/kafka.ts'

/** A host of a group, with a connection to it. */
export interface Member {
  host: Host
  connection: Connection
  expected: Expectations
}

/** Lets `use` work with the hosts of a group; the connections to them end with it. */
export async function withMembers<Result>(
  { inventory, connect }: PipelineAccess,
  group: PipelineGroup,
  use: (members: Member[]) => Promise<Result>,
): Promise<Result> {
  const hosts = inventory.hosts.filter(({ groups }) => groups.includes(group))
  if (hosts.length === 0) {
    throw new SluiceError('HOSTS_UNKNOWN', {
      subject: `no host of ${inventory.name} is in the group ${group}`,
      advice: 'name the inventory of the pipeline with --inventory',
    })
  }
  const connections: Connection[] = []
  try {
    const members = hosts.map(async (host) => {
      const connection = await connect(host)
      connections.push(connection)
      return { host, connection, expected: expectationsOf(host, inventory) }
    })
    return await use(await Promise.all(members))
  } catch (error) {
    throw unreachable(group, hosts.map(({ name }) => name).join(', '), error)
  } finally {
    for (const connection of connections) connection.close()
  }
}

/** Lets `use` work with the brokers of an inventory. */
export function withBrokers<Result>(
  access: PipelineAccess,
  use: (brokers: BrokerPlace[]) => Promise<Result>,
): Promise<Result> {
  return withMembers(access, 'kafka', (members) =>
    use(
      members.map(({ host, connection, expected }) => ({
        connection,
        address: serviceAddress(host),
        port: expected.kafkaPort,
      })),
    ),
  )
}

/** What a client of a service could not do, as an error for who typed the command. */
function unreachable(group: PipelineGroup, where: string, error: unknown): unknown {
  if (error instanceof SluiceError || error instanceof TypeError) return error
  // Ctrl-C says nothing of the service.
  if (error instanceof Error && error.name === 'AbortError') return error
  return new SluiceError('PIPELINE_UNREACHABLE', {
    subject: `${group} on ${where} could not be asked`,
    why: reasonOf(error),
    advice:
      (error instanceof CheckFailure ? error.advice : undefined) ??
      'sluice verify-e2e says which link is broken',
    cause: error,
  })
}
