import { join } from 'node:path'
import type { Trial } from '../ground.ts'
import { startProgram } from '../program.ts'
import type { Contender } from './contender.ts'

/** Our processor: the one file that hosts get, under the Node that runs this, with the flags of its unit. */
export async function startSluice(
  trial: Trial,
  { bundle, nodeFlags }: { bundle: string; nodeFlags: readonly string[] },
): Promise<Contender> {
  const log = join(trial.directory, 'sluice.log')
  const program = await startProgram([process.execPath, ...nodeFlags, bundle], {
    log,
    environment: {
      KAFKA_BOOTSTRAP: trial.bootstrap,
      MONGODB_URI: trial.mongodbUri,
      TOPIC_METRIC: trial.topics.gpu,
      TOPIC_TOKEN: trial.topics.token,
      KAFKA_TOPIC: trial.topics.token,
      TOPIC_DLQ: `${trial.topics.gpu}.dlq`,
      CONSUMER_GROUP: trial.group,
      HTTP_HOST: '127.0.0.1',
      HTTP_PORT: String(trial.httpPort),
    },
  })
  return { program, log, healthUrl: `http://127.0.0.1:${trial.httpPort}/health` }
}
