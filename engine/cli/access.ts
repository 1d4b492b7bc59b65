import { existsSync } from 'node:fs'
import { SluiceError } from '../errors.ts'
import type { Host } from '../inventory.ts'
import { Secret } from '../secret.ts'
import type { Terminal } from './hidden-input.ts'
import type { HostOptions } from './options.ts'

/** The environment variable that the password for sudo may come from. */
const passwordVariable = 'SLUICE_BECOME_PASSWORD'

/** What someone had to give to get in to hosts. */
export interface Access {
  becomePassword: Secret | undefined
  /** By private key file. */
  passphrases: Map<string, Secret>
}

/**
 * Asks for whatever is needed to get in to these hosts, before anything else is on the screen.
 *
 * @throws SluiceError USAGE when a password was asked for and none came
 */
export async function readAccess(
  terminal: Terminal,
  options: Pick<HostOptions, 'askBecomePass'>,
  hosts: readonly Host[],
): Promise<Access> {
  const becomePassword = await readBecomePassword(terminal, options)
  return { becomePassword, passphrases: await readPassphrases(terminal, hosts) }
}

/**
 * The password for sudo on the hosts: from the environment, else, when asked for, from the terminal or the first line of
 * standard input. It is taken out of the environment, so that no program that Sluice starts can see it.
 */
async function readBecomePassword(
  terminal: Terminal,
  { askBecomePass }: Pick<HostOptions, 'askBecomePass'>,
): Promise<Secret | undefined> {
  const fromEnvironment = process.env[passwordVariable]
  delete process.env[passwordVariable]
  if (fromEnvironment !== undefined && fromEnvironment !== '') return checked(new Secret(fromEnvironment))
  if (!askBecomePass) return undefined
  const { askSecretly, firstLine } = await import('./hidden-input.ts')
  const { stdin } = terminal
  const typed = stdin.isTTY
    ? await askSecretly(terminal, 'Password for sudo on the hosts')
    : await firstLine(stdin)
  if (typed !== undefined && typed.reveal() !== '') return checked(typed)
  throw new SluiceError('USAGE', {
    subject: 'no password was given for sudo',
    at: 'the command line, --ask-become-pass',
    advice: `type it, give it on standard input or in ${passwordVariable}, or leave --ask-become-pass out`,
  })
}

/** sudo reads a line. */
function checked(password: Secret): Secret {
  if (!/[\n\r\0]/.test(password.reveal())) return password
  throw new SluiceError('USAGE', {
    subject: 'the password for sudo has a line end or NUL in it',
    at: passwordVariable,
    advice: 'give it as one line',
  })
}

/** The passphrases of these hosts' encrypted keys that no agent holds, each asked for once. */
async function readPassphrases(terminal: Terminal, hosts: readonly Host[]): Promise<Map<string, Secret>> {
  const passphrases = new Map<string, Secret>()
  if (!terminal.stdin.isTTY) return passphrases
  const [{ agentHolds, agentSocket, readKeyFile, usualKeyFiles }, { askSecretly }] = await Promise.all([
    import('../transport/identity.ts'),
    import('./hidden-input.ts'),
  ])
  const usual = agentSocket() === undefined ? usualKeyFiles().find((path) => existsSync(path)) : undefined
  const ways = hosts.flatMap((host) => [host, ...jumpsOf(host)])
  for (const host of ways) {
    const path = host.identityFile ?? usual
    if (path === undefined || passphrases.has(path) || !existsSync(path)) continue
    const file = readKeyFile(path, host)
    if (!file.encrypted || (await agentHolds(file))) continue
    const passphrase = await askSecretly(terminal, `Passphrase of ${path}`)
    if (passphrase !== undefined) passphrases.set(path, passphrase)
  }
  return passphrases
}

function jumpsOf({ jump }: Host): Host[] {
  return jump === undefined ? [] : [jump, ...jumpsOf(jump)]
}
