import test from 'ava'
import { command } from '../../engine/resources/command.ts'
import { file } from '../../engine/resources/file.ts'
import { artifactFile, release } from '../../engine/resources/release.ts'
import { Secret } from '../../engine/secret.ts'
import { sh } from '../../engine/shell.ts'
import { bundle } from '../support/bundle.ts'
import { converge } from '../support/converge.ts'
import { ask, connectFirst, isRoot, needsRoot, useLab } from '../support/lab-hosts.ts'

if (isRoot) {
  const lab = useLab(test, 'kinds-files', 1)
  const firstHost = () => connectFirst(lab())

  test.serial('a file that cannot be given to its owner leaves nothing of its content behind', async (t) => {
    const connection = await firstHost()

    const { error, begun } = await converge(connection, [
      file({ path: '/opt/token', content: new Secret('hidden-value'), mode: '0600', owner: 'nosuchuser' }),
    ])

    t.is(error?.code, 'STEP_FAILED')
    t.deepEqual(begun, ['file /opt/token'])
    t.is(await ask(connection, sh`ls /opt | grep token || :`), '')
    connection.close()
  })

  test.serial('a question that cannot be asked is no answer', async (t) => {
    const connection = await firstHost()

    const thrown = await t.throwsAsync(
      converge(connection, [
        command({ name: 'careless', script: sh`touch /opt/run`, unless: sh`nosuchprogram --version` }),
      ]),
    )

    t.regex(thrown.message, /PROBE_REFUSED/)
    t.is(await ask(connection, sh`ls /opt/run 2>/dev/null || echo none`), 'none')
    connection.close()
  })

  test.serial('what a run left behind that was cut off while it sent goes with the next file', async (t) => {
    const connection = await firstHost()
    await ask(connection, sh`echo half > /var/tmp/sluice-0123456789abcdef; echo x > /var/tmp/sluice-notes`)

    const { error } = await converge(connection, [
      artifactFile({ path: '/opt/sent.tar.gz', artifact: bundle() }),
    ])

    t.is(error, undefined)
    t.is(await ask(connection, sh`cd /var/tmp; ls -d sluice-*`), 'sluice-notes')
    await ask(connection, sh`rm /var/tmp/sluice-notes /opt/sent.tar.gz*`)
    connection.close()
  })

  test.serial('a file that its own program rejects never reaches its place', async (t) => {
    const connection = await firstHost()
    const path = '/opt/judged'
    await converge(connection, [file({ path, content: 'good\n' })])

    const { error } = await converge(connection, [
      file({
        path,
        content: 'bad\n',
        accept: (staged) => sh`grep -q good ${staged} || { echo no good >&2; exit 9; }`,
      }),
    ])

    t.is(error?.code, 'STEP_FAILED')
    t.regex(error?.why ?? '', /no good/)
    t.is(await ask(connection, sh`cat ${path}; ls /opt`), 'good\njudged')
    connection.close()
  })

  const program = (version: string) =>
    release({ name: 'bundle', artifact: bundle(version), root: '/opt/programs' })
  const runs = sh`node=/opt/programs/bundle; cat $node/current/program.cjs; ls $node | sort; ls $node/releases | cut -d - -f 1 | sort`

  test.serial('of a program the three newest releases stay, the one in use among them', async (t) => {
    const connection = await firstHost()
    for (const version of ['1', '2', '3']) await converge(connection, [program(version)])
    const three = await ask(connection, runs)

    const fourth = await converge(connection, [program('4')])
    const four = await ask(connection, runs)
    // As if the clock had been ahead until now.
    await ask(connection, sh`touch --date='next year' /opt/programs/bundle/releases/*`)
    await converge(connection, [program('5')])
    const five = await ask(connection, runs)
    const back = await converge(connection, [program('4')])

    t.is(three, 'console.log(3)\ncurrent\nreleases\n1\n2\n3')
    t.deepEqual(fourth.changed, ['release bundle 4'])
    t.is(four, 'console.log(4)\ncurrent\nreleases\n2\n3\n4')
    t.regex(five, /^console\.log\(5\)\ncurrent\nreleases\n.\n.\n5$/)
    t.is(back.error, undefined)
    t.regex(await ask(connection, runs), /^console\.log\(4\)\ncurrent\nreleases(\n.){3}$/)
    connection.close()
  })

  test.serial('a run killed while it unpacked leaves nothing that the next one keeps or uses', async (t) => {
    const connection = await firstHost()
    await converge(connection, [program('6')])
    const wrapper = '#!/bin/sh\n/usr/bin/tar "$@"\necho half > "$6/half"\nkill -s KILL "$PPID"\n'
    await ask(connection, sh`printf %s ${wrapper} > /usr/local/bin/tar; chmod 0755 /usr/local/bin/tar`)

    const killed = await converge(connection, [program('7')])
    await ask(connection, sh`rm /usr/local/bin/tar`)
    const left = await ask(connection, sh`ls /opt/programs/bundle/releases; ls -d /var/tmp/sluice-*`)
    const during = await ask(connection, sh`cat /opt/programs/bundle/current/program.cjs`)
    const next = await converge(connection, [program('8')])
    const again = await converge(connection, [program('8')])

    t.is(killed.error?.code, 'STEP_FAILED')
    t.regex(left, /^7-[0-9a-f]{12}\.partial$/m)
    t.regex(left, /^\/var\/tmp\/sluice-[0-9a-f]{16}$/m)
    t.is(during, 'console.log(6)')
    t.deepEqual(next.changed, ['release bundle 8'])
    t.deepEqual(again.changed, [])
    t.is(
      await ask(
        connection,
        sh`ls /opt/programs/bundle/current/; find /opt/programs /var/tmp -name '*.partial' -o -name 'sluice-*'`,
      ),
      'program.cjs',
    )
    connection.close()
  })

  test.serial(
    'a link of a program that leads nowhere is no release, and a removal takes all of them',
    async (t) => {
      const connection = await firstHost()
      await converge(connection, [program('9')])
      await ask(connection, sh`rm -r "$(readlink -f /opt/programs/bundle/current)"`)

      const repaired = await converge(connection, [program('9')])
      const present = await ask(connection, sh`cat /opt/programs/bundle/current/program.cjs`)
      const removed = await converge(connection, [program('9')], { mode: 'remove' })
      const gone = await converge(connection, [program('9')], { mode: 'remove' })

      t.deepEqual(repaired.changed, ['release bundle 9'])
      t.is(present, 'console.log(9)')
      t.deepEqual(removed.changed, ['release bundle 9'])
      t.deepEqual(gone.changed, [])
      t.is(await ask(connection, sh`ls /opt/programs; rmdir /opt/programs`), '')
      connection.close()
    },
  )
} else {
  test.serial.skip(needsRoot, (t) => t.pass())
}
