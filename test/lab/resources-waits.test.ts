import test from 'ava'
import { SluiceError } from '../../engine/errors.ts'
import { file } from '../../engine/resources/file.ts'
import { listeningPort } from '../../engine/resources/listening-port.ts'
import { systemdUnit } from '../../engine/resources/systemd-unit.ts'
import { waitFor } from '../../engine/resources/wait-for.ts'
import { sh } from '../../engine/shell.ts'
import { converge } from '../support/converge.ts'
import { ask, connectFirst, isRoot, needsRoot, useLab } from '../support/lab-hosts.ts'

if (isRoot) {
  const lab = useLab(test, 'kinds-waits', 1)
  const firstHost = () => connectFirst(lab())

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
    const failing = '[Service]\nExecStart=/bin/sh -c "sleep 8; exit 3"\n'
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

  /** A service that says these words some seconds after it was started, and then goes on. */
  const speaker = (words: string, seconds: number) =>
    systemdUnit({
      unit: 'speaker.service',
      content: `[Service]\nExecStart=/bin/sh -c "sleep ${seconds}; echo ${words}; exec sleep infinity"\n`,
      state: 'running',
    })
  const hears = (pattern: string, timeoutSeconds = 20) =>
    waitFor({ unit: 'speaker.service', until: { condition: 'journal', pattern }, timeoutSeconds })

  test.serial(
    'a line in the journal is waited for, and counts for the start that it was said in',
    async (t) => {
      const connection = await firstHost()

      const first = await converge(connection, [speaker('ready to serve', 2), hears('^ready to')])
      const again = await converge(connection, [speaker('ready to serve', 2), hears('^ready to')])
      const anew = await converge(connection, [speaker('ready again', 0), hears('^ready to', 2)])

      t.is(first.error, undefined)
      t.deepEqual(again.planned, [])
      t.is(anew.error?.code, 'STEP_FAILED')
      t.regex(
        anew.error?.why ?? '',
        /speaker\.service still does not do this: says "\^ready to"[\s\S]*ready again/,
      )
      connection.close()
    },
  )

  test.serial('a pattern that journalctl cannot read is an error with its words, and no wait', async (t) => {
    const connection = await firstHost()
    await converge(connection, [speaker('ready to serve', 0)])
    const began = performance.now()

    const thrown = await t.throwsAsync(
      converge(connection, [speaker('ready to serve', 0), hears('(ready', 100)]),
      {
        instanceOf: SluiceError,
      },
    )

    t.is(thrown?.code, 'PROBE_REFUSED')
    t.regex(thrown?.why ?? '', /Bad pattern/)
    t.true(performance.now() - began < 20_000)
    connection.close()
  })

  test.serial(
    'a file of the journal that a power cut left half written is no error, and no wait',
    async (t) => {
      const connection = await firstHost()
      const broken = await ask(
        connection,
        sh`
        file=$(journalctl --header | sed -n '/^File path: /{s///p;q}')
        broken=\${file%/*}/system@broken.journal
        printf LPKSHHRH > "$broken"; head -c 300 /dev/zero >> "$broken"; echo "$broken"`,
      )
      t.teardown(async () => {
        await ask(connection, sh`rm ${broken}`)
        connection.close()
      })

      const { error } = await converge(connection, [speaker('late but ready', 2), hears('^late but')])

      t.regex(await ask(connection, sh`journalctl --quiet --lines 1 2>&1 >/dev/null`), /ignoring file/)
      t.is(error, undefined)
    },
  )

  for (const [address, taken, shown] of [
    ['127.0.0.1', ['127.0.0.1'], '127.0.0.1'],
    ['::1', ['::1'], '::1'],
    ['', ['127.0.0.1'], 'all addresses'],
  ] as const) {
    test.serial(`who listens on ${address || 'everything'} is known on a host that has no ss`, async (t) => {
      const connection = await firstHost()
      const family = address === '::1' ? 'AF_INET6' : 'AF_INET'
      const program = `import socket, time
s = socket.create_server(("${address}", 4244), family=socket.${family})
time.sleep(600)`
      await ask(
        connection,
        sh`[ ! -e /usr/bin/ss ] || mv /usr/bin/ss /root/ss
          systemd-run --quiet --unit squatter python3 -c ${program}
          until grep -q :1094 /proc/net/tcp /proc/net/tcp6; do sleep 0.1; done`,
      )
      const port = (addresses: string[], unit = 'speaker.service') =>
        listeningPort({ unit, port: 4244, addresses })

      const thrown = await t.throwsAsync(converge(connection, [port([...taken])]), {
        instanceOf: SluiceError,
      })
      const own = await converge(connection, [port([...taken], 'squatter.service')])
      const elsewhere = address === '' ? undefined : await converge(connection, [port(['192.0.2.1'])])
      await ask(connection, sh`systemctl stop squatter; mv /root/ss /usr/bin/ss`)
      const free = await converge(connection, [port([...taken])])

      t.is(thrown?.code, 'PORT_TAKEN')
      t.regex(thrown?.subject ?? '', /taken by python3 \(process \d+, squatter\.service\)$/)
      t.is(thrown?.why, `it listens on ${shown}`)
      t.deepEqual([own.planned, elsewhere?.planned ?? [], free.planned], [[], [], []])
      connection.close()
    })
  }

  test.serial('a port of which the host cannot tell who listens is not taken for free', async (t) => {
    const connection = await firstHost()
    await converge(connection, [speaker('ready to serve', 0)])
    const broken = '#!/bin/sh\necho no tables >&2\nexit 2\n'
    await ask(connection, sh`printf %s ${broken} > /usr/local/bin/grep; chmod 0755 /usr/local/bin/grep`)
    const port = listeningPort({ unit: 'speaker.service', port: 4245, addresses: ['127.0.0.1'] })
    const wait = waitFor({ unit: 'speaker.service', until: { condition: 'port', port: 4245 } })

    const asked = await t.throwsAsync(converge(connection, [port]), { instanceOf: SluiceError })
    const awaited = await t.throwsAsync(converge(connection, [wait]), { instanceOf: SluiceError })
    await ask(connection, sh`rm /usr/local/bin/grep`)

    t.deepEqual([asked?.code, awaited?.code], ['PROBE_REFUSED', 'PROBE_REFUSED'])
    t.regex(asked?.why ?? '', /no tables/)
    connection.close()
  })
} else {
  test.serial.skip(needsRoot, (t) => t.pass())
}
