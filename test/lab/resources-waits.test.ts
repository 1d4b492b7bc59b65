import test from 'ava'
import { file } from '../../engine/resources/file.ts'
import { systemdUnit } from '../../engine/resources/systemd-unit.ts'
import { waitFor } from '../../engine/resources/wait-for.ts'
import { converge } from '../support/converge.ts'
import { isRoot, needsRoot, useLab } from '../support/lab-hosts.ts'

if (isRoot) {
  const lab = useLab(test, 'kinds-waits', 1)
  const firstHost = () => {
    const host = lab().inventory.hosts[0]
    if (host === undefined) throw new TypeError('the lab has a host')
    return lab().connect(host)
  }

  test.serial('a unit that cannot start is an error that has its own last words', async (t) => {
    const connection = await firstHost()
    const failing = '[Service]\nType=exec\nExecStart=/bin/sh -c "echo these are my last words; exit 3"\n'

    const { error } = await converge(connection, [
      systemdUnit({ unit: 'failing.service', content: failing, state: 'running' }),
      waitFor({ unit: 'failing.service', until: { condition: 'port', port: 4242 }, timeoutSeconds: 1 }),
    ])

    t.true(error?.code === 'STEP_FAILED' || error?.code === 'NOT_CONVERGED')
    t.regex(`${error?.why}${error?.subject}`, /last words|state should be running/)
    connection.close()
  })

  test.serial('an answer of a service that has failed is not waited for', async (t) => {
    const connection = await firstHost()
    const failing = '[Service]\nExecStart=/bin/sh -c "sleep 1; exit 3"\n'
    const until = { condition: 'http', address: '127.0.0.1', port: 4242, path: '/' } as const
    const began = performance.now()

    const { error } = await converge(connection, [
      systemdUnit({ unit: 'mute.service', content: failing, state: 'running' }),
      waitFor({ unit: 'mute.service', until, timeoutSeconds: 100 }),
    ])

    t.regex(error?.subject ?? '', /^having failed, mute\.service answers \/ with nothing, should be 200/)
    t.true(performance.now() - began < 60_000)
    connection.close()
  })

  test.serial('an answer that stays another one is an error with what the service says', async (t) => {
    const connection = await firstHost()
    const until = { condition: 'http', address: '127.0.0.1', port: 4243, path: '/ready' } as const
    const program = `use IO::Socket::INET;
my $server = IO::Socket::INET->new(LocalAddr => '127.0.0.1:4243', Listen => 8, ReuseAddr => 1) or die;
while (my $call = $server->accept) {
  while (<$call>) { last if /^\\s*$/ }
  print $call "HTTP/1.1 503 Unavailable\\r\\nConnection: close\\r\\n\\r\\nthe broker is away\\n";
  close $call;
}
`
    const content = '[Service]\nExecStart=/usr/bin/perl /opt/unready.pl\n'

    const { error } = await converge(connection, [
      file({ path: '/opt/unready.pl', content: program }),
      systemdUnit({ unit: 'unready.service', content, state: 'running' }),
      waitFor({ unit: 'unready.service', until, timeoutSeconds: 3 }),
    ])

    t.regex(error?.subject ?? '', /^after 3 s unready\.service answers \/ready with 503, should be 200/)
    t.is(error?.why, 'the broker is away')
    await converge(connection, [systemdUnit({ unit: 'unready.service', content, state: 'stopped' })])
    connection.close()
  })
} else {
  test.serial.skip(needsRoot, (t) => t.pass())
}
