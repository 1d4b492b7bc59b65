import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { readAnswer } from '../../../../inventory/ssh-config/answer.ts'
import { type Identity, identityOf } from '../../../../inventory/ssh-config/identity.ts'
import { projectFolder } from '../../../support/cli.ts'

const usual = ['~/.ssh/id_rsa', '~/.ssh/id_ed25519']

/** What is made of these key files, of which `FOLDER/a`, `FOLDER/b` and `FOLDER/c.pub` are there. */
function identity(t: ExecutionContext, ...files: string[]): { identity: Identity; folder: string } {
  const folder = projectFolder(t, { a: '', b: '' })
  writeFileSync(join(folder, 'c.pub'), '')
  const lines = files.map((file) => `identityfile ${file.replace('FOLDER', folder)}\n`)
  const settings = readAnswer(`hostname 10.0.1.10\nuser ops\nport 2222\n${lines.join('')}`)
  return { identity: identityOf(settings, 'vm1', usual), folder }
}

for (const [title, files] of [
  ['what ssh tries without a word in its configuration', usual],
  ['none', ['none']],
  ['a file that is not there', ['FOLDER/absent']],
] as const) {
  test(`${title} leaves it to the agent and the usual files`, (t) => {
    t.deepEqual(identity(t, ...files).identity, {})
  })
}

for (const files of [['FOLDER/a'], ['FOLDER/absent', 'FOLDER/a'], ['FOLDER/a', 'FOLDER/absent']] as const) {
  test(`of ${files.join(' and ')}, the one that is there is the key`, (t) => {
    const { identity: found, folder } = identity(t, ...files)

    t.deepEqual(found, { file: join(folder, 'a') })
  })
}

for (const files of [['FOLDER/a', 'FOLDER/b'], ['FOLDER/c.pub'], ['FOLDER/%K'], [`\${HOME}/key`]] as const) {
  test(`${files.join(' and ')} is for ssh itself`, (t) => {
    t.deepEqual(identity(t, ...files).identity, { onlySsh: 'IdentityFile' })
  })
}

test('tokens in the name of a key file are what ssh takes them for', (t) => {
  const folder = projectFolder(t, { 'ops-10.0.1.10-2222-vm1-%': '' })
  const settings = readAnswer(
    `hostname 10.0.1.10\nuser ops\nport 2222\nidentityfile ${folder}/%r-%h-%p-%n-%%\n`,
  )

  t.deepEqual(identityOf(settings, 'vm1', usual), { file: join(folder, 'ops-10.0.1.10-2222-vm1-%') })
})
