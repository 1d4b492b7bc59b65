import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { lines, type Script, sh } from '../../engine/shell.ts'
import { projectFolder, sluice, startSluice } from '../support/cli.ts'
import { showsInGallery, writeGallery } from '../support/error-gallery.ts'
import { ask, isRoot, needsRoot, useLab } from '../support/lab-hosts.ts'

/** What an inventory may say wrongly of the lab's one host. */
interface HostLines {
  user?: string
  identityFile?: string
  hostKeys?: string[]
  address?: string
  groups?: string[]
}

/** Takes a port on all addresses and says nothing to whoever comes. */
const squat = (port: number) => sh`
  systemd-run --quiet --unit squatter python3 -c 'import socket, sys, time
s = socket.create_server(("", int(sys.argv[1])))
time.sleep(600)' ${port}
  until ss --no-header --listening --numeric --tcp "sport = :${port}" | grep --quiet .; do sleep 0.1; done`

const oneHost = (port: unknown) => ({
  groups: { kafka: {} },
  policy: { admin: ['127.0.0.1'], rules: [] },
  hosts: { vm1: { address: '127.0.0.1', port, groups: ['kafka'] } },
})

for (const [title, inventory, words, said] of [
  [
    'an inventory that there is not',
    oneHost(9),
    ['--inventory', 'host.json'],
    /^INVENTORY_UNKNOWN {2}no inventory is called "host\.json"[\s\S]*\n {2}why {2}there are: lab/,
  ],
  [
    'a value of the wrong kind in an inventory file',
    oneHost('many'),
    ['--inventory', 'hosts.json'],
    /^INVENTORY_INVALID {2}hosts\/vm1\/port should be number, got "many"\n {2}at {3}\/.*\/hosts\.json\n/,
  ],
  [
    'an inventory file that is no YAML',
    'hosts: [',
    ['--inventory', 'hosts.json'],
    /^INVENTORY_INVALID {2}.*\n {2}at {3}\/.*\/hosts\.json:1:9\n/,
  ],
  [
    'a host in --limit that the inventory does not have',
    oneHost(9),
    ['--inventory', 'hosts.json', '--limit', 'vm1,vm9'],
    /^HOSTS_UNKNOWN {2}"vm9" [\s\S]*\n {2}why {2}its hosts: vm1/,
  ],
] as const) {
  test(`${title} is said before any host is touched`, async (t) => {
    const text = typeof inventory === 'string' ? inventory : JSON.stringify(inventory)

    const { exitCode, stdout, stderr } = await sluice(projectFolder(t, { 'hosts.json': text }), [
      'provision',
      ...words,
    ])

    t.is(exitCode, 64)
    t.is(stdout, '')
    t.regex(stderr, said)
    showsInGallery(t, title, stderr)
    t.regex(stderr, /\n {2}do {3}/)
    t.notRegex(stderr, /connects to/)
  })
}

if (isRoot) {
  const lab = useLab(test, 'e2err', 1)
  const firstHost = () => {
    const host = lab().inventory.hosts[0]
    if (host === undefined) throw new TypeError('the lab has a host')
    return host
  }
  const onHost = async (script: Script) => {
    const connection = await lab().connect(firstHost())
    try {
      return await ask(connection, script)
    } finally {
      connection.close()
    }
  }
  const folder = (t: ExecutionContext, change: HostLines = {}) => {
    const { name, address, user, identityFile, hostKeys, privateAddresses } = firstHost()
    const host = { address, user, identityFile, hostKeys, privateAddresses, groups: ['kafka'], ...change }
    const policy = lab().inventory.policy
    const variables = { kafka: { heapMb: 256 }, zookeeper: { heapMb: 128 } }
    const groups = { kafka: { variables }, processor: {}, producers: {}, mongodb: {} }
    return projectFolder(t, { 'hosts.json': JSON.stringify({ policy, groups, hosts: { [name]: host } }) })
  }
  const provision = (project: string, words: string[] = [], environment: Record<string, string> = {}) =>
    sluice(project, ['provision', '--inventory', 'hosts.json', ...words], environment)

  /** What shows that nothing was done to the host: none of our files, none of our accounts. */
  const untouched = async (t: ExecutionContext) =>
    t.is(
      await onHost(
        sh`ls -d /opt/sluice /etc/sluice 2>/dev/null || :; getent passwd pipeline || echo untouched`,
      ),
      'untouched',
    )

  test.serial('a key that the host does not know is refused, with the user and the file', async (t) => {
    t.timeout(600_000)
    const other = join(folder(t), 'other')
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', other])

    const { exitCode, stderr } = await provision(folder(t, { identityFile: other }))

    t.is(exitCode, 1)
    t.regex(
      stderr,
      /LOGIN_REFUSED.*refused every key for the user sluice[\s\S]*at {3}vm1[\s\S]*authorized_keys/,
    )
    showsInGallery(t, 'a key that the host does not know', stderr)
    await untouched(t)
  })

  test.serial('a host that shows another key than the one on record is refused, with both', async (t) => {
    t.timeout(600_000)
    const wrong = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIfYIjM2ZQ0Iqk5sbYDOLGGsGqDLXQ4yJ0A0n3uQZ0aB'

    const { exitCode, stderr } = await provision(folder(t, { hostKeys: [wrong] }))

    t.is(exitCode, 1)
    t.regex(stderr, /HOST_KEY_CHANGED.*SHA256:[\s\S]*on record: ssh-ed25519 SHA256:[\s\S]*do {3}/)
    showsInGallery(t, 'a host that shows another key than the one on record', stderr)
    await untouched(t)
  })

  test.serial('a host whose key nothing vouches for is refused, unless new keys are accepted', async (t) => {
    t.timeout(600_000)
    const project = folder(t, { hostKeys: [] })

    const refused = await provision(project, ['--check'])
    const accepted = await provision(project, ['--check', '--accept-new-host-keys'])
    const known = await provision(project, ['--check'])

    t.is(refused.exitCode, 1)
    t.regex(refused.stderr, /HOST_KEY_UNKNOWN.*ssh-ed25519 SHA256:/)
    showsInGallery(t, 'a host whose key nothing vouches for', refused.stderr)
    t.deepEqual([accepted.exitCode, known.exitCode], [2, 2])
    t.regex(readFileSync(join(project, '.sluice', 'known_hosts'), 'utf8'), /^10\.\S+ ssh-ed25519 /)
  })

  test.serial('an account that may not become root is told so, and nothing is changed', async (t) => {
    t.timeout(600_000)
    await onHost(sh`useradd --create-home --shell /bin/sh plain; mkdir -p /home/plain/.ssh
      cp /home/sluice/.ssh/authorized_keys /home/plain/.ssh/; chown -R plain: /home/plain/.ssh`)

    const { exitCode, stderr } = await provision(folder(t, { user: 'plain' }))

    t.is(exitCode, 1)
    t.regex(stderr, /BECOME_REFUSED {2}plain may not become root[\s\S]*do {3}.*let plain use sudo/)
    showsInGallery(t, 'an account that may not become root', stderr)
    await untouched(t)
  })

  test.serial(
    'a host that does not answer is named, with the address, the time and what to do',
    async (t) => {
      t.timeout(600_000)

      const { exitCode, stderr, stdout } = await provision(folder(t, { address: '127.0.0.2' }), [
        '--timeout',
        '3',
      ])

      t.is(exitCode, 1)
      t.regex(stderr, /HOST_UNREACHABLE {2}127\.0\.0\.2:22[\s\S]*at {3}vm1[\s\S]*do {3}check/)
      showsInGallery(t, 'a host whose SSH port nothing answers on', stderr)
      t.regex(stdout, /1 of 1 host did not get to the end: vm1; nothing was changed/)
    },
  )

  test.serial('a host that is off is no wait without end', async (t) => {
    t.timeout(600_000)
    const nobody = firstHost().address.replace(/\d+$/, '99')
    const started = performance.now()

    const { exitCode, stderr } = await provision(folder(t, { address: nobody }), ['--timeout', '3'])

    t.is(exitCode, 1)
    t.regex(
      stderr,
      /HOST_UNREACHABLE {2}10\.\S+\.99:22 did not answer by SSH within 3 s[\s\S]*at {3}vm1[\s\S]*do {3}/,
    )
    showsInGallery(t, 'a host that is off', stderr)
    t.true(performance.now() - started < 30_000)
  })

  test.serial('a policy that leaves the controller out is refused before anything is changed', async (t) => {
    t.timeout(600_000)
    const { address, user, identityFile, hostKeys, privateAddresses } = firstHost()
    const groups = { kafka: {}, processor: {}, producers: {}, mongodb: {} }
    const hosts = { vm1: { address, user, identityFile, hostKeys, privateAddresses, groups: ['kafka'] } }
    const policy = { ...lab().inventory.policy, admin: ['192.0.2.0/24'] }
    const project = projectFolder(t, { 'hosts.json': JSON.stringify({ policy, groups, hosts }) })

    const { exitCode, stderr } = await provision(project)

    t.is(exitCode, 1)
    t.regex(
      stderr,
      /LOCKOUT_PREVENTED {2}no rule of the policy lets the controller, 10\.\S+, reach port 22 of vm1/,
    )
    showsInGallery(t, 'a policy that would lock the controller out', stderr)
    await untouched(t)
  })

  test.serial(
    'a variable with a value that its role does not take is refused before any host is touched',
    async (t) => {
      const { exitCode, stderr } = await provision(folder(t), ['--var', 'kafka.heapMb=lots'])

      t.is(exitCode, 64)
      showsInGallery(t, 'a variable that its role does not take', stderr)
      await untouched(t)
    },
  )

  test.serial('a heap that the host does not have is refused before anything is changed', async (t) => {
    t.timeout(600_000)

    const { exitCode, stdout, stderr } = await provision(folder(t), ['--var', 'kafka.heapMb=999999'])

    t.is(exitCode, 1)
    t.regex(
      stderr,
      /VARIABLE_INVALID {2}kafka\.heapMb is 999999 MB, and vm1 has \d+ MB of memory in all\n {2}at {3}vm1/,
    )
    t.regex(stdout, /vm1; nothing was changed/)
    showsInGallery(t, 'a heap that the host does not have', stderr)
    await untouched(t)
  })

  test.serial('a role that there is not is refused with those that there are', async (t) => {
    const { exitCode, stderr } = await provision(folder(t), ['--tags', 'kafak'])

    t.is(exitCode, 64)
    showsInGallery(t, 'a role that there is not', stderr)
  })

  test.serial('a system that the roles do not know is left alone', async (t) => {
    t.timeout(600_000)
    await onHost(sh`cp -L /etc/os-release /root/os-release; sed -i 's/^ID=.*/ID=gentoo/' /etc/os-release`)

    const { exitCode, stderr } = await provision(folder(t))
    await onHost(sh`cat /root/os-release > /etc/os-release`)

    t.is(exitCode, 1)
    showsInGallery(t, 'a system that the roles do not know', stderr)
    await untouched(t)
  })

  test.serial('sudo that wants a password which was not given is told so', async (t) => {
    t.timeout(600_000)
    await onHost(sh`useradd --create-home --shell /bin/sh asked; mkdir -p /home/asked/.ssh
      cp /home/sluice/.ssh/authorized_keys /home/asked/.ssh/; chown -R asked: /home/asked/.ssh
      echo 'asked ALL=(ALL) ALL' > /etc/sudoers.d/asked`)

    const { exitCode, stderr } = await provision(folder(t, { user: 'asked' }))

    t.is(exitCode, 1)
    t.regex(stderr, /BECOME_REFUSED[\s\S]*--ask-become-pass/)
    showsInGallery(t, 'sudo that wants a password', stderr)
    await untouched(t)
  })

  test.serial(
    'a plan that a host has moved away from is refused, with what is other than planned',
    async (t) => {
      t.timeout(600_000)
      const project = folder(t)

      const check = await provision(project, ['--tags', 'base', '--check', '--out', 'plan.json'])
      await onHost(sh`groupadd --gid 12345 pipeline`)
      const { exitCode, stderr } = await provision(project, ['--plan', 'plan.json'])
      await onHost(sh`groupdel pipeline`)

      t.is(check.exitCode, 2)
      t.is(exitCode, 1)
      t.regex(stderr, /PLAN_OUTDATED {2}vm1 is not as it was when the plan was made[\s\S]*group pipeline/)
      showsInGallery(t, 'a plan that a host has moved away from', stderr)
      await untouched(t)
    },
  )

  test.serial('a host that another run is changing is left to it, with who that is', async (t) => {
    t.timeout(600_000)
    await onHost(sh`printf '#!/bin/sh\nuntil [ -e /run/go-on ]; do sleep 0.1; done\nexec /usr/sbin/groupadd "$@"\n' > /usr/local/sbin/groupadd
      chmod 0755 /usr/local/sbin/groupadd`)
    const words = ['--tags', 'base']
    const first = startSluice(folder(t), ['provision', '--inventory', 'hosts.json', ...words, '--verbose'])
    await first.said('group pipeline …')

    const { exitCode, stdout, stderr } = await provision(folder(t), words)
    await onHost(sh`touch /run/go-on`)
    const ended = await first.ended
    await onHost(sh`rm /usr/local/sbin/groupadd`)

    t.is(exitCode, 1)
    t.regex(stderr, /HOST_LOCKED {2}another run is changing vm1: \S+@\S+\n {2}at {3}vm1/)
    t.regex(stdout, /vm1; nothing was changed/)
    showsInGallery(t, 'a host that another run is changing', stderr)
    t.is(ended.exitCode, 0, ended.stderr)
  })

  test.serial('a setting of sshd that another file has made already is refused before the run', async (t) => {
    t.timeout(600_000)
    const other = '/etc/ssh/sshd_config.d/01-vendor.conf'
    await onHost(sh`echo 'MaxAuthTries 20' > ${other}`)

    const { exitCode, stdout, stderr } = await provision(folder(t), ['--tags', 'sshd'])
    await onHost(sh`rm ${other}`)

    t.is(exitCode, 1)
    t.regex(stderr, /OVERRULED[\s\S]*01-vendor\.conf is read before it/)
    t.regex(stdout, /vm1; nothing was changed/)
    showsInGallery(t, 'a setting of sshd that another file has made already', stderr)
  })

  test.serial('a file where a folder should be is refused before the run', async (t) => {
    t.timeout(600_000)
    await onHost(sh`rm -rf /opt/sluice; echo precious > /opt/sluice`)

    const { exitCode, stdout, stderr } = await provision(folder(t), ['--tags', 'base'])
    await onHost(sh`rm /opt/sluice`)

    t.is(exitCode, 1)
    t.regex(stderr, /DATA_AT_RISK {2}\/opt\/sluice should be a directory, and is a regular file/)
    t.regex(stdout, /vm1; nothing was changed/)
    showsInGallery(t, 'a file where a folder should be', stderr)
  })

  test.serial('a package that cannot be had is an error with the words of apt', async (t) => {
    t.timeout(600_000)
    await onHost(sh`mkdir /root/apt; mv /etc/apt/sources.list* /root/apt/; rm -rf /var/lib/apt/lists; mkdir /var/lib/apt/lists
      echo 'deb [trusted=yes] http://127.0.0.1:9/debian bookworm main' > /etc/apt/sources.list`)

    const { exitCode, stderr } = await provision(folder(t), ['--tags', 'java'])
    await onHost(sh`rm -r /etc/apt/sources.list*; mv /root/apt/* /etc/apt/`)

    t.is(exitCode, 1)
    t.regex(stderr, /STEP_FAILED[\s\S]*vm1 > java > package openjdk/)
    showsInGallery(t, 'a package that cannot be had', stderr, { logs: true })
  })

  test.serial('an artifact with another checksum than the pinned one is refused with both', async (t) => {
    t.timeout(600_000)
    const project = folder(t)
    const mirror = join(project, 'mirror')
    mkdirSync(mirror)
    writeFileSync(join(mirror, 'apache-zookeeper-3.9.2-bin.tar.gz'), 'not an archive')

    const { exitCode, stdout, stderr } = await provision(
      project,
      ['--artifact-mirror', mirror, '--tags', 'base,zookeeper'],
      {
        SLUICE_CACHE: join(project, 'cache'),
      },
    )

    t.is(exitCode, 1)
    t.regex(stderr, /ARTIFACT_CHECKSUM[\s\S]*zookeeper/)
    t.regex(stderr, /[0-9a-f]{64}[\s\S]*[0-9a-f]{64}/)
    t.notRegex(stdout, /begun and not finished/)
    t.is(await onHost(sh`ls -d /opt/sluice/zookeeper /var/tmp/sluice-* 2>/dev/null || :`), '')
    showsInGallery(t, 'an artifact with another checksum than the pinned one', stderr)
  })

  test.serial(
    'stopped in the middle of a first run it says where each host is, and the next run goes on',
    async (t) => {
      t.timeout(600_000)
      const project = folder(t)
      const run = startSluice(project, ['provision', '--inventory', 'hosts.json', '--verbose'])
      await run.said('package openjdk-17-jre-headless …')
      run.interrupt()
      const stopped = await run.ended

      const next = await provision(project)
      const again = await provision(project)

      t.is(stopped.exitCode, 130)
      t.regex(stopped.stderr, /what is in hand is being finished/)
      t.regex(stopped.stdout, /vm1 [\s\S]*changed before it stopped: \d+ resources; not tried: \d+/)
      t.regex(stopped.stdout, /Stopped: .*Run again: it goes on from the state that the hosts are in/)
      t.is(next.exitCode, 0, next.stdout + next.stderr)
      t.regex(again.stdout, /Nothing changed on any host/)
    },
  )

  for (const [unit, port] of [
    ['zookeeper.service', 2181],
    ['kafka.service', 9092],
    ['mongod.service', 27017],
  ] as const) {
    test.serial(`what has taken the port of ${unit} is named, and nothing is changed`, async (t) => {
      t.timeout(600_000)
      const project = folder(t, { groups: ['kafka', 'mongodb'] })
      await onHost(lines([sh`systemctl stop ${unit}`, squat(port)]))

      const { exitCode, stdout, stderr } = await provision(project)
      const state = await onHost(sh`systemctl is-active ${unit} || :; systemctl stop squatter`)
      const next = await provision(project)

      t.is(exitCode, 1)
      t.regex(
        stderr,
        new RegExp(
          `PORT_TAKEN {2}port ${port}, which ${unit} is to have, is taken by python3 \\(process \\d+, squatter\\.service\\)` +
            `\n {2}at {3}vm1 > \\w+ > port ${port} of ${unit}\n {2}why {2}it listens on all addresses\n {2}do {3}stop it`,
        ),
      )
      t.regex(stdout, /vm1; nothing was changed/)
      showsInGallery(t, `a port that something else has taken: ${unit}`, stderr)
      t.is(state, 'inactive')
      t.is(next.exitCode, 0, next.stdout + next.stderr)
    })
  }

  test.serial('a broker that could not take its port when it started is started again', async (t) => {
    t.timeout(600_000)
    const project = folder(t, { groups: ['kafka', 'mongodb'] })
    await onHost(sh`systemctl stop kafka
      ${squat(9092)}
      systemctl start kafka
      until journalctl --unit kafka --since -30s --grep 'Address already in use' >/dev/null; do sleep 0.2; done
      systemctl stop squatter`)

    const checked = await provision(project, ['--check'])
    const next = await provision(project)
    const again = await provision(project)

    t.regex(
      checked.stdout,
      /port 9092 of kafka\.service {2}listens no: the port was taken when it started → yes/,
    )
    t.is(next.exitCode, 0, next.stdout + next.stderr)
    t.regex(again.stdout, /Nothing changed on any host/)
  })

  test.serial('a topic with more partitions than are declared is not made anew', async (t) => {
    t.timeout(600_000)

    const { exitCode, stderr } = await provision(folder(t), [
      '--var',
      'kafka-topics.topics={tokens: {partitions: 3}}',
    ])

    t.is(exitCode, 1)
    t.regex(stderr, /DATA_AT_RISK[\s\S]*vm1 > kafka-topics > topic tokens/)
    showsInGallery(t, 'fewer partitions than there are', stderr)
  })

  test.serial('partitions that a topic lacks are added, and those that it has stay', async (t) => {
    t.timeout(600_000)
    const project = folder(t)
    const declared = (partitions: number) => [
      '--tags',
      'kafka-topics',
      '--var',
      `kafka-topics.topics={growing: {partitions: ${partitions}}}`,
    ]
    const partitions = sh`ls /var/lib/kafka | grep '^growing-' | sort; cat /var/lib/kafka/growing-0/partition.metadata`
    await provision(project, declared(1))
    const one = await onHost(partitions)

    const checked = await provision(project, [...declared(3), '--check'])
    const grown = await provision(project, declared(3))
    const again = await provision(project, declared(3))

    const three = await onHost(partitions)
    const fewer = await provision(project, declared(2))

    t.is(checked.exitCode, 2)
    t.regex(checked.stdout, /topic growing {2}partitions 1 → 3/)
    t.is(grown.exitCode, 0, grown.stderr)
    t.regex(grown.stdout, /Done: 1 resource changed on 1 host/)
    t.regex(again.stdout, /Nothing changed on any host/)
    t.regex(one, /^growing-0\n/)
    t.is(three, one.replace('growing-0', 'growing-0\ngrowing-1\ngrowing-2'))
    t.regex(fewer.stderr, /DATA_AT_RISK {2}the topic growing has 3 partitions, should have 2/)
  })

  test.serial('a service that ends when it starts is an error with its last words', async (t) => {
    t.timeout(600_000)
    const project = folder(t)
    await onHost(sh`systemctl stop kafka; cp -a /var/lib/kafka/meta.properties /root/
      sed -i s/^cluster.id=.*/cluster.id=another/ /var/lib/kafka/meta.properties`)

    const { exitCode, stderr } = await provision(project)
    await onHost(sh`cp -a /root/meta.properties /var/lib/kafka/`)
    const next = await provision(project)

    t.is(exitCode, 1)
    t.regex(stderr, /STEP_FAILED[\s\S]*vm1 > kafka > (unit|ready) kafka\.service[\s\S]*another/)
    showsInGallery(t, 'a service that ends when it starts', stderr, { logs: true })
    t.is(next.exitCode, 0, next.stdout + next.stderr)
  })

  test.serial(
    'a full disk on a host is an error that says so, and with room the next run goes on',
    async (t) => {
      t.timeout(600_000)
      const project = folder(t)
      await onHost(sh`rm -rf /opt/sluice/zookeeper; mkdir -p /opt/sluice/zookeeper
      mount -t tmpfs -o size=1m tmpfs /opt/sluice/zookeeper`)

      const { exitCode, stdout, stderr } = await provision(project)
      const left = await onHost(sh`umount /opt/sluice/zookeeper; ls /var/tmp/sluice-* 2>/dev/null || :`)
      const next = await provision(project)

      t.is(exitCode, 1)
      t.regex(stderr, /STEP_FAILED[\s\S]*vm1 > zookeeper > release zookeeper[\s\S]*No space left on device/)
      t.regex(stdout, /begun and not finished: release zookeeper 3\.9\.2; some of it may be done/)
      t.is(left, '')
      showsInGallery(t, 'a full disk', stderr, { logs: true })
      t.is(next.exitCode, 0, next.stderr)
    },
  )
  test.after(writeGallery)
} else {
  test.skip(needsRoot, (t) => t.pass())
}
