import { basename } from 'node:path'
import type { Destination } from '../ssh-config/ask.ts'
import { NoJump, readDestination, readJumps } from '../ssh-config/proxy-jump.ts'
import { OpenQuote, wordsOf } from '../words.ts'

/** What arguments for ssh say; what they do not say is left out. */
export interface SshArguments {
  user?: string
  port?: number
  identityFile?: string
  /** The hosts to go through, the first one first; none where they say that there are none. */
  jumps?: Jump[]
  /** What Sluice has its own way for, as it was written. */
  leftOut: string[]
}

export interface Jump extends Destination {
  identityFile?: string
}

/** Why arguments for ssh cannot be taken over. */
export class ArgumentRefused extends Error {}

const flagsLeftOut = '46AaCfgKkNnqTtvXxYy'
const flagsWithValue = 'BbcDEeFIiJLlmOoPpQRSWw'

/** Options that Sluice has its own way for: host keys, keep-alive, multiplexing, who may ask what, algorithms. */
const optionsLeftOut = new Set(
  [
    'AddKeysToAgent BatchMode CheckHostIP Ciphers ClearAllForwardings Compression ConnectionAttempts ConnectTimeout',
    'ControlMaster ControlPath ControlPersist EscapeChar ExitOnForwardFailure ForwardAgent ForwardX11 ForwardX11Trusted',
    'GlobalKnownHostsFile GSSAPIAuthentication GSSAPIDelegateCredentials HashKnownHosts HostbasedAuthentication',
    'HostKeyAlgorithms IdentitiesOnly IPQoS KbdInteractiveAuthentication ChallengeResponseAuthentication KexAlgorithms',
    'LogLevel MACs NumberOfPasswordPrompts PasswordAuthentication PermitLocalCommand PreferredAuthentications',
    'PubkeyAcceptedAlgorithms PubkeyAcceptedKeyTypes PubkeyAuthentication RekeyLimit RequestTTY SendEnv',
    'ServerAliveCountMax ServerAliveInterval SetEnv StrictHostKeyChecking TCPKeepAlive UpdateHostKeys',
    'UserKnownHostsFile VisualHostKey',
  ]
    .join(' ')
    .toLowerCase()
    .split(' '),
)

/**
 * Reads arguments as they are given to ssh before its destination.
 *
 * @throws ArgumentRefused for what would be needed and is not understood
 */
export function readSshArguments(text: string): SshArguments {
  const { others, ...read } = readWords(partedWords(text))
  if (others.length > 0) throw new ArgumentRefused(`"${others[0]}" is no option of ssh`)
  return read
}

function readWords(words: readonly string[]): SshArguments & { others: string[]; forwards?: string } {
  const found: SshArguments & { others: string[]; forwards?: string } = { leftOut: [], others: [] }
  const rest = [...words]
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    if (!/^-[^-]/.test(word)) {
      found.others.push(word)
      continue
    }
    for (let at = 1; at < word.length; at++) {
      const flag = word.charAt(at)
      if (flagsLeftOut.includes(flag)) {
        found.leftOut.push(`-${flag}`)
        continue
      }
      if (!flagsWithValue.includes(flag)) throw new ArgumentRefused(`ssh has no option -${flag}`)
      const value = word.slice(at + 1) || rest.shift()
      if (value === undefined) throw new ArgumentRefused(`-${flag} needs a value`)
      takeFlag(found, flag, value)
      break
    }
  }
  return found
}

function takeFlag(found: SshArguments & { forwards?: string }, flag: string, value: string): void {
  if (flag === 'o') takeOption(found, value)
  else if (flag === 'J') found.jumps ??= jumpsOf(value)
  else if (flag === 'l') found.user ??= value
  else if (flag === 'p') found.port ??= portOf(value)
  else if (flag === 'i') found.identityFile ??= value
  else if (flag === 'W') found.forwards ??= value
  else if ('ceEmS'.includes(flag)) found.leftOut.push(`-${flag} ${value}`)
  else throw new ArgumentRefused(`-${flag} ${value} is not understood`)
}

/** Of several that say the same, the first one counts for ssh. */
function takeOption(found: SshArguments, written: string): void {
  const [, keyword = '', value = ''] = /^\s*([A-Za-z0-9]+)(?:\s*=\s*|\s+)(.*)$/s.exec(written) ?? []
  const option = keyword.toLowerCase()
  const plain = value.trim().replace(/^"(.*)"$/, '$1')
  if (option === 'proxyjump') found.jumps ??= jumpsOf(plain)
  else if (option === 'proxycommand') found.jumps ??= jumpsOfCommand(value.trim())
  else if (option === 'user') found.user ??= plain
  else if (option === 'port') found.port ??= portOf(plain)
  else if (option === 'identityfile') found.identityFile ??= plain
  else if (optionsLeftOut.has(option)) found.leftOut.push(`-o ${written}`)
  else throw new ArgumentRefused(`-o ${written} is not understood`)
}

function jumpsOf(text: string): Jump[] {
  try {
    return readJumps(text)
  } catch (error) {
    if (error instanceof NoJump) throw new ArgumentRefused(`ProxyJump ${error.message}`)
    throw error
  }
}

/** The old way of a jump: `ssh -W %h:%p bastion`. */
function jumpsOfCommand(command: string): Jump[] {
  if (command.toLowerCase() === 'none') return []
  const refused = (why: string) =>
    new ArgumentRefused(`ProxyCommand should be ssh -W %h:%p with a host, ${why}, got "${command}"`)
  const [program = '', ...words] = partedWords(command.replace(/^"(.*)"$/s, '$1').replace(/^exec\s+/, ''))
  if (basename(program) !== 'ssh') throw refused('or be written as ProxyJump')
  const { user, port, identityFile, jumps = [], others, forwards } = readWords(words)
  const [written, ...more] = others
  if (!['%h:%p', '[%h]:%p'].includes(forwards ?? '')) throw refused('or be written as ProxyJump')
  if (written === undefined || more.length > 0) throw refused('one')
  try {
    const destination = readDestination(written)
    const jump = {
      ...destination,
      ...(destination.user === undefined && user !== undefined && { user }),
      ...(destination.port === undefined && port !== undefined && { port }),
      ...(identityFile !== undefined && { identityFile }),
    }
    return [...jumps, jump]
  } catch (error) {
    if (error instanceof NoJump) throw refused(`which ${error.message}`)
    throw error
  }
}

function portOf(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0
  if (port < 1 || port > 65_535)
    throw new ArgumentRefused(`the port should be from 1 to 65535, got "${text}"`)
  return port
}

function partedWords(text: string): string[] {
  try {
    return wordsOf(text, { comment: 'never' })
  } catch (error) {
    if (error instanceof OpenQuote) throw new ArgumentRefused(`${error.message}, in "${text}"`)
    throw error
  }
}
