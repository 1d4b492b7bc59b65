import { type ChildProcess, spawn } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Writable } from 'node:stream'
import { SluiceError } from '../errors.ts'
import type { Host } from '../inventory.ts'
import { loginRefused, NoCommonAlgorithm, unreachable } from './errors.ts'
import { keyChanged, keyUnknown } from './host-keys.ts'
import { agentHolds, passphraseFor, readKeyFile, wrongPassphrase } from './identity.ts'
import type { CarrierOptions } from './node-ssh.ts'
import { keyAlias, masterWords } from './openssh-words.ts'

/**
 * Starts ssh, and a shell that ends it when this process is gone, whatever ended that: descriptor 3 then closes without
 * a line having been read from it. `$$` is the process that becomes ssh.
 */
const watched =
  '{ read -r _ || { for _ in 1 2 3 4 5 6 7 8 9; do kill $$ || break; sleep 0.1; done; rm -rf "$0"; }; } <&3 >/dev/null 2>&1 & exec 3<&-; exec "$@" </dev/null'

const endAgainMs = 100
const endAtLastMs = 5000

/** Answers the question for a passphrase, and no other. */
const answerer =
  '#!/bin/sh\ncase "$1" in *passphrase*) printf "%s\\n" "$SLUICE_PASSPHRASE" ;; *) exit 1 ;; esac\n'

/** What ssh has said so far that matters. */
export interface MasterLog {
  /** Everything but its debug messages. */
  said: string[]
  /** Type and fingerprint of the key that the host showed. */
  hostKey: string
  /** Fingerprints of the keys that were offered; none where a certificate was taken, which is no key of an account. */
  offered: string[]
  /** Whether the host would take the last of them, before its private part was needed. */
  keyAccepted: boolean
  /** How the command of each channel ended. */
  endings: Map<number, 'exit-status' | 'exit-signal'>
}

export interface Master {
  process: ChildProcess
  /** Private to this account: nobody else can use the connection. */
  directory: string
  controlPath: string
  log: MasterLog
  /** The host keys on record. */
  known: readonly string[]
}

/**
 * Starts the system's ssh as the master of one connection, with everything that the user's own configuration says about
 * the host, except for what Sluice answers for: who, where, and which host key.
 *
 * @param through the control path of the connection to the host that this one is behind
 * @throws SluiceError HOST_UNREACHABLE, HOST_KEY_UNKNOWN, HOST_KEY_CHANGED, LOGIN_REFUSED, KEY_UNUSABLE
 */
export async function startMaster(host: Host, options: CarrierOptions, through?: string): Promise<Master> {
  const [known, passphrase] = await Promise.all([options.hostKeys.of(host), passphraseOf(host, options)])
  const directory = await mkdtemp(join(tmpdir(), 'sluice-ssh-'))
  const controlPath = join(directory, 'control')
  const knownHostsFile = known.length > 0 ? join(directory, 'known_hosts') : undefined
  const place = { controlPath, knownHostsFile, unattended: passphrase === undefined }
  const askpass = join(directory, 'askpass')
  await Promise.all([
    ...(knownHostsFile === undefined
      ? []
      : [writeFile(knownHostsFile, known.map((key) => `${keyAlias} ${key}\n`).join(''))]),
    ...(passphrase === undefined ? [] : [writeFile(askpass, answerer, { mode: 0o700 })]),
    ...(options.hostKeys.acceptNew
      ? [mkdir(dirname(options.hostKeys.knownHostsFile), { recursive: true })]
      : []),
  ])
  const master = spawn('sh', ['-c', watched, directory, ...masterWords(host, place, options, through)], {
    // Ctrl-C in the terminal is for Sluice, which finishes what is in hand over this connection.
    detached: true,
    stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
    env: {
      ...process.env,
      ...(passphrase !== undefined && {
        SSH_ASKPASS: askpass,
        SSH_ASKPASS_REQUIRE: 'force',
        SLUICE_PASSPHRASE: passphrase.reveal(),
      }),
    },
  })
  master.on('exit', () => {
    const watcher = master.stdio[3] as Writable
    watcher.on('error', () => {})
    watcher.end('gone\n')
    // A client that is only starting may still write its log there.
    rm(directory, { recursive: true, force: true, maxRetries: 5 }).catch(() => {})
  })
  const log: MasterLog = { said: [], hostKey: '', offered: [], keyAccepted: false, endings: new Map() }
  if (await isOpen(master, log, options.timeoutMs))
    return { process: master, directory, controlPath, log, known }
  if (passphrase !== undefined && log.keyAccepted) throw wrongPassphrase(host.identityFile ?? '')
  throw connectError(host, log, known, options.timeoutMs)
}

/**
 * Ends the ssh of a connection. One signal is not enough: coming between two waits of ssh (9.2 and others) it is noticed
 * with the next thing that happens on the connection, which may be the next keep-alive.
 */
export function endMaster(ssh: ChildProcess): void {
  ssh.kill()
  const again = setInterval(() => ssh.kill(), endAgainMs)
  const atLast = setTimeout(() => ssh.kill('SIGKILL'), endAtLastMs)
  ssh.on('exit', () => {
    clearInterval(again)
    clearTimeout(atLast)
  })
}

/** Waits until the connection is open; `false` when ssh has given up, or had to be told to. */
async function isOpen(master: ChildProcess, log: MasterLog, timeoutMs: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  if (master.stderr === null) throw new TypeError('stderr is a pipe')
  createInterface({ input: master.stderr }).on('line', (line) => {
    if (line === 'debug1: Entering interactive session.') resolve(true)
    readLine(log, line)
  })
  const timer = setTimeout(() => {
    log.said.push('it did not get to the end of the login in this time')
    endMaster(master)
  }, timeoutMs)
  master.on('error', () => resolve(false))
  master.on('close', () => resolve(false))
  const opened = await promise
  clearTimeout(timer)
  return opened
}

const mostSaid = 20

function readLine(log: MasterLog, line: string): void {
  const ending = /^debug1: client_input_channel_req: channel (\d+) rtype (exit-status|exit-signal)/.exec(line)
  const hostKey = /^debug1: Server host key: (.+)$/.exec(line)
  const offer = /^debug1: Offering public key: .* (SHA256:\S+)/.exec(line)
  if (ending !== null) log.endings.set(Number(ending[1]), ending[2] as 'exit-status' | 'exit-signal')
  else if (hostKey !== null) log.hostKey = hostKey[1] ?? ''
  else if (line.startsWith('debug1: Server accepts key: ')) {
    log.keyAccepted = true
    if (line.includes('-CERT SHA256:')) log.offered = []
  } else if (offer !== null) log.offered.push(offer[1] ?? '')
  else if (!/^debug1:|^OpenSSH_|^Transferred: |^Bytes per second: |^\s*$/.test(line)) {
    log.said.push(line.trim())
    if (log.said.length > mostSaid) log.said.shift()
  }
}

async function passphraseOf(host: Host, { askPassphrase }: CarrierOptions) {
  if (host.identityFile === undefined) return undefined
  const file = readKeyFile(host.identityFile, host)
  if (!file.encrypted || (await agentHolds(file))) return undefined
  return passphraseFor(file, host, askPassphrase)
}

function connectError(
  host: Host,
  { said, hostKey }: MasterLog,
  known: readonly string[],
  timeoutMs: number,
): SluiceError {
  const text = said.join('\n')
  if (/exec: ssh: not found/.test(text)) {
    return new SluiceError('HOST_UNREACHABLE', {
      subject: 'this machine has no ssh program, which the transport openssh needs',
      why: text,
      advice: 'apt-get install openssh-client, or say transport: node-ssh in the inventory',
    })
  }
  if (/^Host key verification failed/m.test(text)) {
    return known.length > 0 ? keyChanged(host, known, hostKey) : keyUnknown(host, hostKey)
  }
  if (/^Unable to negotiate|no matching/m.test(text)) return new NoCommonAlgorithm(host, text)
  if (/Permission denied|Too many authentication failures/.test(text)) return loginRefused(host, text)
  return unreachable(host, text, timeoutMs)
}
