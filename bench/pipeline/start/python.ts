import { join } from 'node:path'
import type { InventoryProgress } from '../../../engine/inventory.ts'
import { pythonProgram } from '../../../test/support/python-venv.ts'
import type { Trial } from '../ground.ts'
import { startProgram } from '../program.ts'
import type { Contender } from './contender.ts'

export const pythonPackages = {
  'confluent-kafka': '2.16.1',
  pymongo: '4.20.0',
  fastapi: '0.165.0',
  uvicorn: '0.54.0',
} as const

/** The Python that the Python processor runs under, with what it needs from PyPI. */
export async function ensurePython(progress: InventoryProgress): Promise<string> {
  const packages = Object.entries(pythonPackages).map(([name, version]) => `${name}==${version}`)
  progress(`looking for ${packages.join(', ')}`)
  return pythonProgram(packages, 'python')
}

export async function startPython(trial: Trial, python: string): Promise<Contender> {
  const log = join(trial.directory, 'python.log')
  const program = await startProgram([python, join(import.meta.dirname, '..', 'programs', 'processor.py')], {
    log,
    environment: {
      KAFKA_BOOTSTRAP: trial.bootstrap,
      MONGODB_URI: trial.mongodbUri,
      TOPIC_METRIC: trial.topics.gpu,
      TOPIC_TOKEN: trial.topics.token,
      CONSUMER_GROUP: trial.group,
      HTTP_PORT: String(trial.httpPort),
    },
  })
  return { program, log, healthUrl: `http://127.0.0.1:${trial.httpPort}/health` }
}
