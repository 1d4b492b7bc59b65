import { writeFile } from 'node:fs/promises'
import type { ExecutionContext } from 'ava'
import { projectFolder, sluice } from './cli.ts'
import { forwardingSsh } from './forwarding-ssh.ts'

/** `sluice dlq` in a project whose one host forwards to the services of the test. */
export async function deadLetterOperator(t: ExecutionContext, bootstrap: string, deadLetters: string) {
  const folder = projectFolder(t)
  const reach = await forwardingSsh(t, folder)
  const [, port] = bootstrap.split(':')
  const inventory = `${folder}/hosts.yaml`
  await writeFile(
    inventory,
    `
variables: { kafka: { port: ${port} } }
groups: { kafka: }
policy: { admin: [127.0.0.1], rules: [] }
hosts: { vm1: { groups: [kafka], ${reach} } }
`,
  )
  return (...words: string[]) =>
    sluice(folder, ['dlq', ...words, '-i', inventory, '--dead-letters', deadLetters])
}
