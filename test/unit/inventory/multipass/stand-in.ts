import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import type { ExecutionContext } from 'ava'

/** An Ed25519 host key, as ssh-keygen wrote it. */
export const hostKey = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIILNN5ZIxdvVhB2dB2YKweJD1fLk/Jgp5aW9QG6Qo28q'

export interface StandInState {
  instances: { name: string; state: string; ipv4: string[] }[]
  /** What is said to every command instead of an answer. */
  failure?: string
}

/**
 * Stands in for the program `multipass`, which comes as a snap only and cannot be had where tests run: it keeps
 * instances in a file, answers in the form of release 1.13 (and its exit codes), and writes down how it was called.
 */
export function multipassStandIn(t: ExecutionContext, state: StandInState = { instances: [] }) {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-multipass-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'state.json')
  const calls = join(folder, 'calls')
  const program = join(folder, 'multipass')
  writeFileSync(file, JSON.stringify(state))
  writeFileSync(program, script({ file, calls }))
  chmodSync(program, 0o755)
  return {
    environment: { PATH: `${folder}${delimiter}${process.env.PATH}` },
    state: (): StandInState => JSON.parse(readFileSync(file, 'utf8')),
    set: (next: StandInState) => writeFileSync(file, JSON.stringify(next)),
    /** What it was called with besides questions, and its standard input. */
    changes: (): { words: string[]; input: string }[] =>
      existsSync(calls)
        ? readFileSync(calls, 'utf8')
            .trimEnd()
            .split('\n')
            .map((line) => JSON.parse(line))
        : [],
  }
}

/** Written files are taken one by one, since several are asked for at once: a lock is a folder. */
const script = (paths: { file: string; calls: string }) => `#!${process.execPath}
const { appendFileSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } = require('node:fs')
const paths = ${JSON.stringify(paths)}
const [command, ...words] = process.argv.slice(2)
for (;;) {
  try { mkdirSync(paths.file + '.lock'); break } catch { Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5) }
}
process.on('exit', () => rmdirSync(paths.file + '.lock'))
const state = JSON.parse(readFileSync(paths.file, 'utf8'))
const fail = (message) => { process.stderr.write(command + ' failed: ' + message + '\\n'); process.exit(2) }
const found = (name) => state.instances.find((each) => each.name === name) ?? fail('instance "' + name + '" does not exist')
if (state.failure) fail(state.failure)
if (command === 'list') {
  const list = state.instances.map((each) => ({ ...each, release: 'Ubuntu 24.04 LTS' }))
  process.stdout.write(JSON.stringify({ list }, undefined, 4) + '\\n')
} else if (command === 'exec') {
  if (found(words[0]).state !== 'Running') fail('instance is not running')
  process.stdout.write('${hostKey} root@' + words[0] + '\\n')
} else {
  const input = command === 'launch' ? readFileSync(0, 'utf8') : ''
  appendFileSync(paths.calls, JSON.stringify({ words: [command, ...words], input }) + '\\n')
  if (command === 'launch') {
    const name = words[words.indexOf('-n') + 1]
    if (state.instances.some((each) => each.name === name)) fail('instance "' + name + '" already exists')
    state.instances.push({ name, state: 'Running', ipv4: ['127.0.0.' + (10 + state.instances.length)] })
  } else if (command === 'start') {
    found(words[0]).state = 'Running'
  } else if (command === 'delete' && words[0] === '--purge') {
    for (const name of words.slice(1)) state.instances.splice(state.instances.indexOf(found(name)), 1)
  } else fail('unknown')
  writeFileSync(paths.file, JSON.stringify(state))
}
`
