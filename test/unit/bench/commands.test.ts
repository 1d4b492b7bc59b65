import test from 'ava'
import { changesIn } from '../../../bench/converge/commands/command-of.ts'

test('what Sluice changed is in its recap', (t) => {
  const output = [
    '09:00:00 vm1   bench         file /etc/motd changed (content 1 bytes → 2 bytes)  5 ms',
    '✔ vm1   ok 36   changed 1    failed 0    skipped 0          1.2 s',
    '✔ vm2   ok 35   changed 2    failed 0    skipped 0          1.2 s',
    'Done: 3 resources changed on 2 hosts. (1.2 s)',
  ].join('\n')

  t.is(changesIn.sluice(output), 3)
})

test('what Ansible changed is in its recap, with Mitogen too', (t) => {
  const output = [
    'changed: [vm1] => (item=/etc/bench)',
    'vm1                        : ok=12   changed=3    unreachable=0    failed=0    skipped=0',
    'vm2                        : ok=12   changed=4    unreachable=0    failed=0    skipped=0',
  ].join('\n')

  t.is(changesIn.ansible(output), 7)
  t.is(changesIn.mitogen(output), 7)
})

test('what pyinfra changed is in its grand total', (t) => {
  const head = '    Operation                     Hosts   Success   Error   No Change   \n'

  t.is(
    changesIn.pyinfra(`${head}    Grand total                   86      84        -       2           \n`),
    84,
  )
  t.is(
    changesIn.pyinfra(`${head}    Grand total                   86      -         -       86          \n`),
    0,
  )
})
