import { isIPv4 } from 'node:net'

/** An IPv4 or IPv6 network in the one form in which ufw stores it: no host bits, and no length for a single address. */
export function canonicalNetwork(text: string): string {
  const [address = '', written] = text.split('/')
  const bits = isIPv4(address) ? 32 : 128
  const length = written === undefined ? bits : Number(written)
  const hostBits = BigInt(bits - length)
  const base = (toNumber(address) >> hostBits) << hostBits
  return length === bits ? toAddress(base, bits) : `${toAddress(base, bits)}/${length}`
}

export const isIPv6Network = (network: string): boolean => network.includes(':')

/** Whether a canonical network is all of its family's addresses. */
export const isEverything = (network: string): boolean => network.endsWith('/0')

function toNumber(address: string): bigint {
  if (isIPv4(address)) return address.split('.').reduce((sum, part) => (sum << 8n) | BigInt(part), 0n)
  // A URL's host is the address in hexadecimal groups, whichever of the many forms it was written in.
  const [head = '', tail] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::')
  const groups = (part: string) => (part === '' ? [] : part.split(':'))
  const [before, after] = [groups(head), groups(tail ?? '')]
  const zeros = Array<string>(tail === undefined ? 0 : 8 - before.length - after.length).fill('0')
  return [...before, ...zeros, ...after].reduce((sum, group) => (sum << 16n) | BigInt(`0x${group}`), 0n)
}

function toAddress(value: bigint, bits: number): string {
  const parts = (size: bigint) =>
    Array.from({ length: bits / Number(size) }, (_, index) => {
      const shift = BigInt(bits) - size * BigInt(index + 1)
      return (value >> shift) & ((1n << size) - 1n)
    })
  if (bits === 32) return parts(8n).join('.')
  const groups = parts(16n).map((group) => group.toString(16))
  return new URL(`http://[${groups.join(':')}]`).hostname.slice(1, -1)
}
