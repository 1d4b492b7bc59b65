import test from 'ava'
import { command } from '../../engine/resources/command.ts'
import { file } from '../../engine/resources/file.ts'
import { artifactFile } from '../../engine/resources/release.ts'
import { Secret } from '../../engine/secret.ts'
import { sh } from '../../engine/shell.ts'
import { bundle } from '../support/bundle.ts'
import { converge } from '../support/converge.ts'
import { ask, isRoot, needsRoot, useLab } from '../support/lab-hosts.ts'

if (isRoot) {
  const lab = useLab(test, 'kinds-files', 1)
  const firstHost = () => {
    const host = lab().inventory.hosts[0]
    if (host === undefined) throw new TypeError('the lab has a host')
    return lab().connect(host)
  }

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
} else {
  test.serial.skip(needsRoot, (t) => t.pass())
}
