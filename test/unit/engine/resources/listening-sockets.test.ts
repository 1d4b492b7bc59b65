import test from 'ava'
import { addressOfSocket } from '../../../../engine/resources/listening-sockets.ts'

for (const [local, address] of [
  ['0100007F:2384', '127.0.0.1'],
  ['0A034D0A:2384', '10.77.3.10'],
  ['00000000:0016', '0.0.0.0'],
  ['00000000000000000000000000000000:0016', '::'],
  ['00000000000000000000000001000000:2384', '::1'],
  ['000077FD030000000000000010000000:2384', 'fd77:0:0:3::10'],
  ['0000000000000000FFFF00000A034D0A:2384', '10.77.3.10'],
] as const) {
  test(`the kernel's ${local} is ${address}`, (t) => {
    t.is(addressOfSocket(local), address)
  })
}
