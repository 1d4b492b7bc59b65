import test from 'ava'
import { file } from '../../engine/resources/file.ts'
import { systemdUnit } from '../../engine/resources/systemd-unit.ts'
import { unitInstances } from '../../engine/resources/unit-instances.ts'
import { sh } from '../../engine/shell.ts'
import { converge } from '../support/converge.ts'
import {
  ask,
  connectFirst,
  differences,
  fingerprint,
  isRoot,
  needsRoot,
  useLab,
} from '../support/lab-hosts.ts'

const sleeper = '[Service]\nExecStart=/bin/sleep infinity\n\n[Install]\nWantedBy=multi-user.target\n'

if (isRoot) {
  const lab = useLab(test, 'kinds-units', 1)
  const firstHost = () => connectFirst(lab())

  test.serial('instances that are declared no more are stopped and start no more', async (t) => {
    const connection = await firstHost()
    const resources = (keep: string[]) => [
      systemdUnit({ unit: 'sleeper@.service', content: sleeper }),
      unitInstances({ template: 'sleeper@.service', keep }),
      ...keep.map((instance) =>
        systemdUnit({
          unit: `sleeper@${instance}.service`,
          enabled: true,
          state: 'running',
          loads: ['/etc/systemd/system/sleeper@.service'],
        }),
      ),
    ]
    const untouched = await fingerprint(connection)
    await converge(connection, resources(['1', '2', '3']))

    const fewer = await converge(connection, resources(['1']))
    const again = await converge(connection, resources(['1']))
    const running = await ask(
      connection,
      sh`systemctl list-units --plain --no-legend 'sleeper@*' | cut -d ' ' -f 1; ls /etc/systemd/system/multi-user.target.wants | grep sleeper`,
    )
    await ask(connection, sh`systemctl enable --quiet --now sleeper@7`)
    const removed = await converge(connection, resources(['1']), { mode: 'remove' })
    const after = await fingerprint(connection)
    await converge(connection, resources(['1']))
    const declared = await converge(connection, resources(['1']), { mode: 'remove' })

    t.deepEqual(declared.changed, ['unit sleeper@1.service', 'unit sleeper@.service'])
    t.deepEqual(fewer.changed, ['instances sleeper@.service'])
    t.deepEqual(again.changed, [])
    t.is(running, 'sleeper@1.service\nsleeper@1.service')
    t.is(removed.error, undefined)
    t.deepEqual(differences(untouched, after), [])
    t.deepEqual(differences(untouched, await fingerprint(connection)), [])
    connection.close()
  })

  test.serial(
    'a unit is restarted when what it loaded changed, whoever changed it, and only then',
    async (t) => {
      const connection = await firstHost()
      const unit = (content: string) => [
        file({ path: '/etc/sleeper.conf', content }),
        systemdUnit({
          unit: 'sleeper.service',
          content: sleeper,
          state: 'running',
          loads: ['/etc/sleeper.conf'],
        }),
      ]
      const process = () => ask(connection, sh`systemctl show --property MainPID --value sleeper.service`)
      await converge(connection, unit('one\n'))
      const [first, again] = [await process(), await converge(connection, unit('one\n')).then(process)]
      // As if a run had died after it wrote the file and before it restarted the unit.
      await ask(connection, sh`echo two > /etc/sleeper.conf`)
      const owed = await converge(connection, unit('two\n'))
      const second = await process()
      await ask(connection, sh`echo three > /etc/sleeper.conf; echo two > /etc/sleeper.conf`)
      const undone = await converge(connection, unit('two\n'))
      await ask(connection, sh`echo drift > /etc/sleeper.conf`)
      const repaired = await converge(connection, unit('two\n'))
      const kept = await process()
      const renewed = await converge(connection, unit('four\n'))

      t.is(again, first)
      t.deepEqual(owed.changed, ['unit sleeper.service'])
      t.deepEqual(owed.planned[0]?.changes, [
        {
          property: 'restart',
          have: 'due, because /etc/sleeper.conf is not what it started with',
          want: 'done',
        },
      ])
      t.not(second, first)
      t.deepEqual(undone.changed, [])
      t.deepEqual(repaired.changed, ['file /etc/sleeper.conf'])
      t.is(kept, second)
      t.deepEqual(renewed.changed, ['file /etc/sleeper.conf', 'unit sleeper.service'])
      for (const { planned, changed } of [repaired, renewed]) {
        t.deepEqual(
          planned.map(({ resource }) => resource),
          changed,
        )
      }
      await converge(connection, unit('two\n'), { mode: 'remove' })
      connection.close()
    },
  )

  test.serial('a unit that reloads takes up a change without being restarted', async (t) => {
    const connection = await firstHost()
    const program =
      'trap "cat /etc/reader.conf > /run/reader" HUP\ncat /etc/reader.conf > /run/reader\nwhile :; do sleep 0.1; done\n'
    const content = '[Service]\nExecStart=/bin/sh /opt/reader\nExecReload=kill -HUP $MAINPID\n'
    const resources = (configuration: string) => [
      file({ path: '/opt/reader', content: program }),
      file({ path: '/etc/reader.conf', content: configuration }),
      systemdUnit({
        unit: 'reader.service',
        content,
        state: 'running',
        loads: ['/etc/reader.conf'],
        onChange: 'reload',
      }),
    ]
    const heard = (text: string) =>
      ask(
        connection,
        sh`for try in $(seq 50); do ! grep -qx ${text} /run/reader || break; sleep 0.1; done; cat /run/reader`,
      )
    const process = () => ask(connection, sh`systemctl show --property MainPID --value reader.service`)
    await converge(connection, resources('one\n'))
    const [first, before] = [await process(), await heard('one')]

    const changed = await converge(connection, resources('two\n'))
    const [second, after] = [await process(), await heard('two')]
    const again = await converge(connection, resources('two\n'))
    // As if a run had died after it wrote the file and before it reloaded the unit.
    await ask(connection, sh`echo three > /etc/reader.conf`)
    const owed = await converge(connection, resources('three\n'))
    const last = await heard('three')
    const third = await process()
    await converge(connection, resources('three\n'), { mode: 'remove' })

    t.deepEqual([before, after, last], ['one', 'two', 'three'])
    t.deepEqual(changed.changed, ['file /etc/reader.conf', 'unit reader.service'])
    t.is(changed.planned[1]?.changes[0]?.property, 'reload')
    t.deepEqual(again.changed, [])
    t.deepEqual(owed.changed, ['unit reader.service'])
    t.deepEqual([second, third], [first, first])
    connection.close()
  })
} else {
  test.serial.skip(needsRoot, (t) => t.pass())
}
