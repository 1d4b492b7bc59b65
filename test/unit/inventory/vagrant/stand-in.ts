import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import type { ExecutionContext } from 'ava'
import { hostKey } from '../multipass/stand-in.ts'

export interface StandInState {
  /** States by the name of the machine; those that were never made are not in it. */
  machines: Record<string, string>
  /** Those that start and then do not come up. */
  broken?: string[]
}

/**
 * Stands in for the program `vagrant` where a test would need a box and a hypervisor: it keeps the states of machines
 * in a file, answers in the form of release 2.3.4, and writes down how it was called. What the real program makes of
 * our Vagrantfile is tested in test/integration/vagrant.test.ts.
 */
export function vagrantStandIn(t: ExecutionContext, state: StandInState = { machines: {} }) {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-vagrant-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'state.json')
  const calls = join(folder, 'calls')
  const key = join(folder, 'a private key')
  const program = join(folder, 'vagrant')
  writeFileSync(file, JSON.stringify(state))
  writeFileSync(key, '')
  writeFileSync(program, script({ file, calls, key }))
  chmodSync(program, 0o755)
  return {
    environment: { PATH: `${folder}${delimiter}${process.env.PATH}` },
    key,
    state: (): StandInState => JSON.parse(readFileSync(file, 'utf8')),
    set: (next: StandInState) => writeFileSync(file, JSON.stringify(next)),
    /** What it was called with besides questions, and in which folder. */
    changes: (): { words: string[]; folder: string }[] =>
      existsSync(calls)
        ? readFileSync(calls, 'utf8')
            .trimEnd()
            .split('\n')
            .map((line) => JSON.parse(line))
        : [],
  }
}

const script = (paths: { file: string; calls: string; key: string }) => `#!${process.execPath}
const { appendFileSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } = require('node:fs')
const { join } = require('node:path')
const paths = ${JSON.stringify(paths)}
const [command, ...words] = process.argv.slice(2)
try { mkdirSync(paths.file + '.lock') } catch {
  process.stderr.write("Vagrant can't use the requested machine because it is locked!\\n")
  process.exit(1)
}
process.on('exit', () => rmdirSync(paths.file + '.lock'))
const state = JSON.parse(readFileSync(paths.file, 'utf8'))
const known = Object.keys(JSON.parse(readFileSync(join(process.env.VAGRANT_CWD, 'machines.json'), 'utf8')))
const named = words.filter((word) => known.includes(word))
const fail = (message) => { process.stderr.write(message + '\\n'); process.exit(1) }
if (command === 'status') {
  for (const name of known) process.stdout.write('1795265714,' + name + ',state,' + (state.machines[name] ?? 'not_created') + '\\n')
} else if (command === 'ssh-config') {
  for (const [index, name] of named.entries()) {
    if (state.machines[name] !== 'running') fail('The provider for this Vagrant-managed machine is reporting that it\\nis not yet ready for SSH.')
    const lines = ['Host ' + name, 'HostName 192.168.121.' + (10 + index), 'User vagrant', 'Port 22', 'IdentityFile "' + paths.key + '"']
    process.stdout.write(lines.join('\\n  ') + '\\n\\n')
  }
} else if (command === 'ssh') {
  process.stdout.write('${hostKey} root@' + words[0] + '\\n')
} else {
  appendFileSync(paths.calls, JSON.stringify({ words: [command, ...words], folder: process.env.VAGRANT_CWD }) + '\\n')
  if (named.length === 0) fail('no machine is named')
  const say = (name, kind, ...values) => process.stdout.write(['1795265714', name, kind, ...values].join(',') + '\\n')
  const broken = command === 'up' ? named.filter((name) => state.broken?.includes(name)) : []
  for (const name of named) {
    if (command === 'up') {
      state.machines[name] = 'running'
      say(name, 'ui', 'info', 'Waiting for machine to boot. This may take a few minutes...')
      if (!broken.includes(name)) say(name, 'action', 'up', 'end')
    } else if (command === 'destroy' && words[0] === '--force') delete state.machines[name]
    else fail('unknown')
  }
  writeFileSync(paths.file, JSON.stringify(state))
  if (broken.length > 0) {
    say('', 'error-exit', 'Vagrant::Errors::VMBootTimeout', 'Timed out while waiting for the machine to boot.\\\\n\\\\nSee its console%!(VAGRANT_COMMA) then try again.')
    process.exit(1)
  }
}
`
