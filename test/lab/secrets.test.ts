import { execFile } from 'node:child_process'
import { globSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import test from 'ava'
import { lines, sh } from '../../engine/shell.ts'
import { projectFolder } from '../support/cli.ts'
import { ask, isRoot, needsRoot, useLab } from '../support/lab-hosts.ts'

const token = 'c4nary-Tok"en/with+signs&='
const password = 'c4naryPassword77'
/** What of the two would be seen in any of their forms. */
const traces = /c4nary|Y0bmFye|M0bmFye|NG5hcn/

const entry = resolve(import.meta.dirname, '../../index.ts')

/** A playbook that puts a secret everywhere where a role can, and a command that gives it away. */
const site = `
import { aptPackage, command, file, main, playbook, project, role, Secret, secret, sh, systemdUnit, v } from '${entry}'

const careful = role({
  name: 'careful',
  description: 'has a secret',
  params: v.strictObject({ token: secret, betray: v.optional(v.boolean(), false) }),
  resources: ({ token, betray }) => [
    file({ path: '/etc/careful.env', mode: '0600', content: new Secret(\`TOKEN=\${token.reveal()}\\n\`) }),
    command({
      name: 'take the token',
      script: sh\`printf %s \${token} | sha256sum > /etc/careful.sum; sleep 1\`,
      unless: sh\`[ "$(cat /etc/careful.sum)" = "$(printf %s \${token} | sha256sum)" ]\`,
    }),
    ...(betray
      ? [
          command({
            name: 'betray the token',
            script: sh\`printf %s \${token}; printf '%s\\n' \${token} >&2; printf 'x%s' \${token} | base64 >&2; echo \${encodeURIComponent(token.reveal())} >&2; exit 3\`,
            creates: '/nonexistent',
          }),
        ]
      : []),
  ],
})
const careless = playbook({ name: 'careful', summary: 'has a secret', plays: [{ name: 'careful', hosts: 'all', roles: [careful] }] })
const entry = { name: 'careful', summary: 'has a secret', examples: [], createsHosts: false, load: async () => careless }
process.exitCode = await main(process.argv.slice(2), { ...project, playbooks: [...project.playbooks, entry] }, process)
`

/** Looks again and again at what all processes of the host were started with; the words are in a file, not in its own. */
const watcher = `
import glob, time
words = open('/root/words', 'rb').read().split(b'\\n')
while True:
    for path in glob.glob('/proc/[0-9]*/cmdline') + glob.glob('/proc/[0-9]*/environ'):
        try: text = open(path, 'rb').read()
        except OSError: continue
        if any(word in text for word in words): print('SEEN', path, text[:300], flush=True)
    time.sleep(0.02)`

if (isRoot) {
  const lab = useLab(test, 'secret', 1)

  test('secrets are on the host where they belong, and nowhere else', async (t) => {
    t.timeout(600_000)
    const [host] = lab().inventory.hosts
    if (host === undefined) throw new TypeError('the lab has a host')
    const connection = await lab().connect(host)
    t.teardown(() => connection.close())
    await ask(
      connection,
      lines([
        sh`useradd --create-home --shell /bin/sh keeper; echo ${`keeper:${password}`} | chpasswd`,
        sh`echo 'keeper ALL=(ALL) ALL' > /etc/sudoers.d/keeper
        install -d -o keeper /home/keeper/.ssh; install -o keeper /home/sluice/.ssh/authorized_keys /home/keeper/.ssh/`,
        sh`(umask 077; printf '%s\\n%s' ${token} ${password} > /root/words; printf %s ${watcher} > /root/watcher.py)
        systemd-run --quiet --unit watcher python3 /root/watcher.py`,
      ]),
    )
    const { name, address, identityFile, hostKeys } = host
    const folder = projectFolder(t, {
      'site.ts': site,
      'hosts.json': JSON.stringify({
        policy: lab().inventory.policy,
        variables: { careful: { token: { fromEnvironment: 'CANARY_TOKEN' } } },
        groups: { kafka: {}, mongodb: {}, processor: {}, producers: {} },
        hosts: { [name]: { address, user: 'keeper', identityFile, hostKeys, groups: [] } },
      }),
    })
    const seenHere: string[] = []
    const shown: string[] = []
    const careful = async (...words: string[]) => {
      const environment = { ...process.env, CANARY_TOKEN: token, SLUICE_BECOME_PASSWORD: password }
      const { promise, resolve: end } = Promise.withResolvers<number>()
      const child = execFile(
        process.execPath,
        ['site.ts', ...words, '--inventory', 'hosts.json'],
        { cwd: folder, env: environment },
        (_error, stdout, stderr) => {
          shown.push(stdout, stderr)
          end(child.exitCode ?? -1)
        },
      )
      const watch = setInterval(() => {
        for (const path of globSync('/proc/[0-9]*/cmdline')) {
          const text = textOf(path)
          if (text.includes(token) || text.includes(password)) seenHere.push(text)
        }
      }, 50)
      return promise.finally(() => clearInterval(watch))
    }

    const codes = [
      await careful('inventory', 'show'),
      await careful('careful', '--check', '--diff', '--verbose'),
      await careful('careful', '--diff', '--verbose'),
      await careful('careful', '--json', '--diff'),
      await careful('careful', '--var', 'careful.betray=true', '--verbose'),
      await careful('careful', '--var', 'careful.betray=true', '--json', '--diff'),
      await careful('careful', '--var', 'careful.token=typed-c4nary'),
    ]

    const records = globSync(join(folder, '.sluice/**/*.jsonl')).map((path) => readFileSync(path, 'utf8'))
    const onHost = await ask(
      connection,
      sh`
      cat /etc/careful.env
      echo "processes: $(journalctl --unit watcher --output cat --no-pager | grep SEEN | head -n 3)"
      systemctl stop watcher
      echo "journal: $(journalctl --no-pager | grep -F -f /root/words | head -n 3)"
      echo "files: $(grep --recursive --files-with-matches --fixed-strings --file /root/words /etc /home /tmp /var/tmp /var/lib /var/log /run /root 2>/dev/null | grep -v '^/root/words' | tr '\\n' ' ')"`,
    )

    t.deepEqual(codes, [0, 2, 0, 0, 1, 1, 64])
    t.is(onHost, `TOKEN=${token}\nprocesses: \njournal: \nfiles: /etc/careful.env `)
    t.deepEqual(seenHere, [])
    t.is(records.length, 5)
    t.regex(shown.join(''), /betray the token/)
    t.regex(shown.join(''), /x?\*\*\*/)
    for (const text of [...shown, ...records]) t.notRegex(text, traces)
  })
} else {
  test.skip(needsRoot, (t) => t.pass())
}

/** A process that has ended meanwhile says nothing. */
function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
