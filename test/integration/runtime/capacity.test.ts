import { writeFile } from 'node:fs/promises'
import test from 'ava'
import { projectFolder, sluice } from '../../support/cli.ts'
import { forwardingSsh } from '../../support/forwarding-ssh.ts'
import { documentsOf } from '../../support/json-documents.ts'
import { type Ground, layPipeline, prepareGround } from '../../support/pipeline.ts'
import { eventually } from '../../support/programs.ts'

let ground: Ground

test.before(async () => {
  ground = await prepareGround()
})

test.after.always(async () => {
  await ground?.remove()
})

test('the capacity of a pipeline under load is measured at Kafka, the processor and MongoDB', async (t) => {
  const pipeline = await layPipeline(t, ground)
  const { metric, token, other } = pipeline.topics
  pipeline.startProcessor()
  await pipeline.ready()
  const producer = pipeline.startProducer({ words: ['--follow'], environment: { SLEEP_SEC: '0.01' } })
  await eventually('events arrive', async () => (await pipeline.documents('token_usage')).length > 100)
  const folder = projectFolder(t)
  const reach = await forwardingSsh(t, folder)
  const portOf = (address: string) => /:(\d+)(?:\/|$)/.exec(address)?.[1]
  const { bootstrap, mongodbUri } = ground.services
  const group = metric.split('.')[0] ?? ''
  await writeFile(
    `${folder}/hosts.yaml`,
    `
variables:
  kafka: { port: ${portOf(bootstrap)} }
  mongodb: { port: ${portOf(mongodbUri)} }
  processor: { port: ${portOf(pipeline.url)} }
groups: { kafka: , mongodb: , processor: }
policy: { admin: [127.0.0.1], rules: [] }
hosts: { vm1: { groups: [kafka, mongodb, processor], ${reach} } }
`,
  )
  const words = ['-i', `${folder}/hosts.yaml`, '--group', group, '--topics', metric, token, other]
  const capacity = (...more: string[]) => sluice(folder, ['capacity', ...words, ...more])

  // Long enough that a stall of a few seconds, or a new division of the partitions, does not halve what is processed.
  const { exitCode, stdout, stderr } = await capacity('--seconds', '30', '--json')
  const full = await capacity('--seconds', '3', '--writes-per-second', '1')
  const noTopic = await capacity('--seconds', '1', '--topics', metric, 'not.there')
  const noGroup = await capacity('--seconds', '1', '--group', 'not-there')
  producer.kill('SIGTERM')
  await producer.ended

  t.deepEqual([noTopic.exitCode, noGroup.exitCode], [1, 1])
  t.regex(noTopic.stderr, /^PIPELINE_UNREACHABLE {2}Kafka has no topic not\.there$/m)
  t.regex(noGroup.stderr, /^PIPELINE_UNREACHABLE {2}nobody of the group not-there has ever stored anything/m)
  t.true([0, 2].includes(exitCode), stderr)
  t.log(stdout)
  const [report] = documentsOf(stdout, 'capacity')
  if (report === undefined) throw new Error(stdout)
  const { measured, processors, database } = report
  t.true(measured.arriving > 20 && measured.arriving < 250, String(measured.arriving))
  t.true(Math.abs(measured.processed - measured.arriving) < measured.arriving / 2)
  t.is(measured.partitions, 18)
  t.is(measured.processors, 1)
  t.is(processors.needed, Math.max(1, Math.ceil(measured.arriving * processors.secondsPerMessage * 1.3)))
  t.true(database.writesPerMessage >= 0.8, String(database.writesPerMessage))
  t.is(full.exitCode, 2, full.stderr)
  t.regex(full.stdout, /^Processors {2}C = ceil\(P · t_proc · S\)/m)
  t.regex(full.stdout, /> 1 · 0\.7 = 0\.7 writes\/s/)
  t.regex(full.stdout, /^database: the writes leave less headroom/m)
})
