import { SocketAddress } from 'node:net'
import { type Script, sh } from '../shell.ts'

/**
 * Sets `sockets` to the lines that the kernel has of the sockets that listen on a TCP port, and ends with 2 where it shows
 * none of its tables: it lists local ports in hexadecimal, state 0A for LISTEN, and the inode tenth (proc(5)). No other
 * program has to be on the host for that.
 */
export function findListening(port: number): Script {
  const pattern = `:${port.toString(16).toUpperCase().padStart(4, '0')} [0-9A-F]*:0000 0A `
  return sh`
    tables=/proc/net/tcp
    # It is not there where the kernel has no IPv6.
    [ ! -e /proc/net/tcp6 ] || tables="$tables /proc/net/tcp6"
    sockets=$(grep --no-filename -- ${pattern} $tables) || [ $? -eq 1 ] || exit 2`
}

/** The address in such a line, `0100007F:2384`: 32 bits at a time in the order of the processor, which is little-endian. */
export function addressOfSocket(local: string): string {
  const words = (local.split(':')[0] ?? '').match(/.{8}/g) ?? []
  const bytes = words.flatMap((word) => (word.match(/../g) ?? []).reverse())
  if (bytes.length === 4) return bytes.map((byte) => Number.parseInt(byte, 16)).join('.')
  const address = (bytes.join('').match(/.{4}/g) ?? []).join(':')
  return new SocketAddress({ address, family: 'ipv6' }).address.replace(/^::ffff:(?=\d+\.)/, '')
}
