import test from 'ava'
import { SluiceError } from '../../../../engine/errors.ts'
import { addressIn, chooseNetwork, lastOctet, overlap } from '../../../../inventory/lab/network.ts'

test('vm1 has the address that ends in 10, and those after it follow', (t) => {
  t.is(addressIn('10.77.3.0/24', lastOctet(1)), '10.77.3.10')
  t.is(addressIn('10.77.3.0/24', lastOctet(99)), '10.77.3.108')
})

test('an IPv6 address ends with the same digits as the IPv4 one', (t) => {
  t.is(addressIn('fd77::/64', lastOctet(4)), 'fd77::13')
  t.is(addressIn('fd77:0:0:1f::/64', lastOctet(1)), 'fd77:0:0:1f::10')
})

test('networks overlap when one lies in the other, whichever comes first', (t) => {
  t.true(overlap('10.77.0.0/24', '10.77.0.128/25'))
  t.true(overlap('10.77.0.0/24', '10.0.0.0/8'))
  t.true(overlap('10.77.0.0/24', '10.77.0.7'))
  t.true(overlap('fd77::/64', 'fd77::1/128'))
  t.false(overlap('10.77.0.0/24', '10.77.1.0/24'))
  t.false(overlap('10.77.0.0/24', 'fd77::/64'))
  t.false(overlap('fd77::/64', 'fd77:0:0:1::/64'))
})

test('an unused machine gives the first networks', (t) => {
  t.deepEqual(chooseNetwork({}, ['192.0.2.0/24', 'fe80::/64']), {
    network: '10.77.0.0/24',
    network6: 'fd77::/64',
  })
})

test('the next pair is taken when either network of a pair is in use', (t) => {
  t.deepEqual(chooseNetwork({}, ['10.77.0.0/24', 'fd77:0:0:1::/64']), {
    network: '10.77.2.0/24',
    network6: 'fd77:0:0:2::/64',
  })
})

test('a network that was asked for is taken, and only the other one is chosen', (t) => {
  t.deepEqual(chooseNetwork({ network: '10.9.8.0/24' }, ['10.77.0.0/24', 'fd77::/64']), {
    network: '10.9.8.0/24',
    network6: 'fd77:0:0:1::/64',
  })
})

test('a network that was asked for and is in use is an error that names the user of it', (t) => {
  const error = t.throws(() => chooseNetwork({ network: '10.9.8.0/24' }, ['10.9.0.0/16']), {
    instanceOf: SluiceError,
  })
  t.is(error.code, 'LAB_UNAVAILABLE')
  t.is(error.subject, '10.9.8.0/24 is in use on this machine, as 10.9.0.0/16')
})

test('a machine without a free network is an error that says how to name one', (t) => {
  const error = t.throws(() => chooseNetwork({}, ['10.0.0.0/8']), { instanceOf: SluiceError })
  t.is(error.code, 'LAB_UNAVAILABLE')
  t.regex(error.advice ?? '', /SLUICE_LAB_NETWORK=/)
})
