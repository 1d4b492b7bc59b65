import type { Destination } from './ask.ts'

/** Why a text names no hosts to go through. */
export class NoJump extends Error {}

/**
 * The hosts that `ProxyJump` or `ssh -J` names, in the order in which they are gone through.
 *
 * @throws NoJump
 */
export function readJumps(text: string): Destination[] {
  if (text.trim().toLowerCase() === 'none') return []
  return text.split(',').map((part) => readDestination(part.trim()))
}

/**
 * One host as ssh takes it: `user@host:port`, `user@[address]:port` or `ssh://user@host:port`.
 *
 * @throws NoJump
 */
export function readDestination(text: string): Destination {
  const place = text.replace(/^ssh:\/\/(.*?)\/?$/, '$1')
  const match = /^(?:([^@\s]+)@)?(?:\[([^[\]\s@]+)\]|([^[\]\s:@]+))(?::(\d{1,5}))?$/.exec(place)
  const [, user, bracketed, plain, written] = match ?? []
  const name = bracketed ?? plain ?? ''
  const port = written === undefined ? undefined : Number(written)
  // ssh hands these to a shell, so it refuses what a shell would take for more than a name.
  const strange =
    /[`'"$\\;&<>|(){}/%]/.test(`${user ?? ''}${name}`) || /^-/.test(user ?? name) || /^-/.test(name)
  if (match === null || strange || port === 0 || (port ?? 0) > 65_535) {
    throw new NoJump(`should be user@host:port (an address of IPv6 in brackets), got "${text}"`)
  }
  return { name, ...(user !== undefined && { user }), ...(port !== undefined && { port }) }
}
