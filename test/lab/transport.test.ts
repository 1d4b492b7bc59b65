import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import test, { type ExecutionContext } from 'ava'
import { $ } from 'zx'
import { runBatch } from '../../engine/batch.ts'
import { SluiceError } from '../../engine/errors.ts'
import type { Host } from '../../engine/inventory.ts'
import { lines, sh } from '../../engine/shell.ts'
import type { Connection } from '../../engine/transport/connection.ts'
import { hostKeys } from '../../engine/transport/host-keys.ts'
import { type ConnectOptions, connect } from '../../engine/transport/ssh.ts'
import { ask, isRoot, needsRoot, useLab } from '../support/lab-hosts.ts'
import { eventually } from '../support/programs.ts'

/** One suite for all transports: what a connection promises, it promises whatever carries it. */
const transports = ['node-ssh', 'openssh'] as const
const hostile = `-rf "it's" $(touch pwned) \`id\` \\n ä !x\nsecond line`
const loginShells = ['/bin/bash', '/bin/dash', '/usr/bin/fish', '/usr/bin/zsh', '/bin/tcsh']

/** Sends a signal to what writes a file that is being copied, once it does. */
const signals = (signal: string) => sh`
  until found=$(for each in $(pgrep -x cat); do [ "$(readlink /proc/$each/fd/1)" != /tmp/still ] || echo "$each"; done); [ -n "$found" ]; do sleep 0.05; done
  sleep 0.3
  kill -s ${signal} $found`

if (!isRoot) test.skip(needsRoot, (t) => t.pass())
else {
  const lab = useLab(test, 'trans', 1)
  const scratch = mkdtempSync(join(tmpdir(), 'sluice-transport-'))

  const host = (traits: Partial<Host> = {}): Host => {
    const [first] = lab().inventory.hosts
    if (first === undefined) throw new TypeError('the lab has a host')
    return { ...first, ...traits }
  }
  const open = (traits: Partial<Host> = {}, options: Partial<ConnectOptions> = {}) => {
    const keys = hostKeys({ knownHostsFile: join(scratch, 'known_hosts'), acceptNew: false })
    return connect(host(traits), { hostKeys: keys, timeoutMs: 10_000, ...options })
  }
  const beside = async <Result>(use: (connection: Connection) => Promise<Result>) => {
    const connection = await open()
    try {
      return await use(connection)
    } finally {
      connection.close()
    }
  }
  const execute = async (connection: Connection, command: string, input = '') => {
    const output = { stdout: '', stderr: '' }
    const exitCode = await connection.execute(command, {
      input,
      onStdout: (text) => {
        output.stdout += text
      },
      onStderr: (text) => {
        output.stderr += text
      },
    })
    return { exitCode, ...output }
  }
  const codeOf = (error: unknown) => (error instanceof SluiceError ? error.code : String(error))
  const failure = (promise: Promise<unknown>) =>
    promise.then(
      () => 'none',
      (error: unknown) => codeOf(error),
    )

  test.serial.before(async (t) => {
    t.timeout(600_000)
    await beside(async (connection) => {
      await ask(
        connection,
        sh`
          apt-get -qq update && apt-get -qq install --no-install-recommends fish zsh tcsh >/dev/null
          printf 'Host key verification failed. Permission denied.\\n' > /etc/banner
          for shell in ${loginShells}; do
            name=with-$(basename $shell)
            useradd --create-home --shell $shell $name
            install -d -m 0700 -o $name -g $name /home/$name/.ssh
            install -m 0600 -o $name -g $name ~sluice/.ssh/authorized_keys /home/$name/.ssh/
            echo "$name ALL=(ALL) NOPASSWD:ALL" > /etc/sudoers.d/$name
          done
          for file in .bashrc .zshenv .tcshrc; do
            for home in /home/with-*; do echo 'echo noise 4242; echo more noise' > $home/$file; done
          done
          systemd-run --quiet --unit=sshd-2222 /usr/sbin/sshd -D -p 2222 -o PidFile=none -o Banner=/etc/banner -o MaxSessions=2
          systemd-run --quiet --unit=sshd-2223 /usr/sbin/sshd -D -p 2223 -o PidFile=none -o KexAlgorithms=sntrup761x25519-sha512@openssh.com
          for port in 2222 2223; do until ss -Hltn "sport = :$port" | grep -q .; do sleep 0.1; done; done`,
      )
    })
  })

  test.after.always(() => rmSync(scratch, { recursive: true, force: true }))

  for (const transport of transports) {
    const promise = (title: string, body: (t: ExecutionContext) => Promise<void>) =>
      test.serial(`${transport}: ${title}`, body)

    promise('exit codes, signals and the two outputs come back as they were', async (t) => {
      const connection = await open({ transport })

      t.deepEqual(await execute(connection, 'echo out; echo err >&2; exit 3'), {
        exitCode: 3,
        stdout: 'out\n',
        stderr: 'err\n',
      })
      t.is((await execute(connection, 'exit 255')).exitCode, 255)
      t.is((await execute(connection, 'kill -9 $$')).exitCode, undefined)
      t.deepEqual(await execute(connection, 'exec cat', 'ä\0\u{1F980}'), {
        exitCode: 0,
        stdout: 'ä\0\u{1F980}',
        stderr: '',
      })
      connection.close()
    })

    promise('a command that ends at once, with its input unread, still gives its exit code', async (t) => {
      const connection = await open({ transport })
      const codes = new Set<unknown>()

      for (let turn = 0; turn < 50; turn++)
        codes.add((await execute(connection, 'exit 7', 'unread')).exitCode)

      t.deepEqual([...codes], [7])
      connection.close()
    })

    promise('10 MB go in and come out unharmed', async (t) => {
      const connection = await open({ transport })
      const big = 'äöü🦀\n'.repeat(950_000)

      t.true((await execute(connection, 'exec cat', big)).stdout === big)
      t.is((await execute(connection, 'head -c 10000000 /dev/zero >&2')).stderr.length, 10_000_000)
      t.is((await execute(connection, 'exec true', big)).exitCode, 0)
      connection.close()
    })

    promise('more commands at once than the host has sessions for wait for one another', async (t) => {
      for (const port of [22, 2222]) {
        const connection = await open({ transport, port })
        const numbers = Array.from({ length: 25 }, (_, index) => `${index}\n`)

        const outcomes = await Promise.all(
          numbers.map((_, index) => execute(connection, `sleep 0.05; echo ${index}`)),
        )

        t.deepEqual(
          outcomes.map(({ stdout }) => stdout),
          numbers,
        )
        connection.close()
      }
    })

    promise('a copied file is whole, has mode 0600 and any name, and says how far it is', async (t) => {
      const connection = await open({ transport })
      const local = join(scratch, 'bytes')
      writeFileSync(local, Buffer.alloc(10_000_000, 'a\0\xff\r\n', 'latin1'))
      const progress: number[] = []
      await execute(connection, 'umask 0; touch /tmp/copy')

      await connection.upload(local, '/tmp/copy', { onProgress: (sent) => progress.push(sent) })
      await connection.upload(local, `/tmp/${hostile}`, {})

      const listing = await ask(connection, sh`cd /tmp; stat --format='%a %U %s' copy ./${hostile}`)
      t.is(listing, '600 sluice 10000000\n600 sluice 10000000')
      const { stdout } = await $({ quiet: true })`sha256sum < ${local}`
      t.is(await ask(connection, sh`sha256sum < /tmp/${hostile}`), stdout.trim())
      t.is(progress.at(-1), 10_000_000)
      t.true(progress.length > 10)
      await ask(connection, sh`rm -f /tmp/copy /tmp/${hostile}; test ! -e ~sluice/pwned`)
      connection.close()
    })

    promise('a copy that finds no room says what the host said', async (t) => {
      const connection = await open({ transport })
      await ask(connection, sh`mkdir -p /mnt/small; mount -t tmpfs -o size=1m,mode=1777 tmpfs /mnt/small`)

      const error = await t.throwsAsync<SluiceError>(
        connection.upload(join(scratch, 'bytes'), '/mnt/small/file', {}),
      )

      t.is(error.code, 'STEP_FAILED')
      t.regex(error.why ?? '', /No space left/)
      await ask(connection, sh`umount /mnt/small`)
      connection.close()
    })

    promise('a copy that stands still is given up, ended on the host, and nothing of it stays', async (t) => {
      t.timeout(600_000)
      const connection = await open({ transport })
      const local = join(scratch, 'endless')
      writeFileSync(local, '')
      truncateSync(local, 8_000_000_000)
      const stopped = beside((other) => ask(other, signals('STOP')))

      const error = await t.throwsAsync<SluiceError>(
        connection.upload(local, '/tmp/still', { stallSeconds: 4 }),
      )
      await stopped

      t.is(error.code, 'STEP_TIMEOUT')
      t.is(error.subject, 'sending endless made no progress for 4 s and was stopped')
      t.regex(error.why ?? '', /^\d+ bytes have arrived at \/tmp\/still, of \d+ that were sent$/)
      t.is(
        await beside((other) =>
          ask(other, sh`ls /tmp/still 2>&1 || :; pgrep -fa 'echo receiver' || echo none`),
        ),
        "ls: cannot access '/tmp/still': No such file or directory\nnone",
      )
      t.deepEqual(await execute(connection, 'echo usable'), { exitCode: 0, stdout: 'usable\n', stderr: '' })
      connection.close()
    })

    promise('a copy that stands still for less than that goes on to its end', async (t) => {
      t.timeout(600_000)
      const connection = await open({ transport })
      const local = join(scratch, 'long')
      writeFileSync(local, '')
      truncateSync(local, 400_000_000)
      const resumed = beside((other) => ask(other, lines([signals('STOP'), sh`sleep 3`, signals('CONT')])))

      await connection.upload(local, '/tmp/still', { stallSeconds: 20 })
      await resumed

      t.is(await ask(connection, sh`stat --format=%s /tmp/still; rm /tmp/still`), '400000000')
      connection.close()
    })

    promise(
      'a TCP port that only the host reaches is reached through it, and a closed one is said',
      async (t) => {
        const connection = await open({ transport })

        const stream = await connection.forward('127.0.0.1', 22)
        const [greeting] = await stream.take(1).toArray()
        const error = await t.throwsAsync<SluiceError>(connection.forward('127.0.0.1', 23))

        t.regex(String(greeting), /^SSH-2\.0/)
        t.is(error.code, 'PROBE_REFUSED')
        t.regex(error.why ?? '', /refused/)
        connection.close()
      },
    )

    promise('only the host key on record is taken, and a new one only when told so', async (t) => {
      const other = `ssh-ed25519 ${(host().hostKeys[0] ?? '').split(' ')[1]?.replace(/....$/, 'AAAA')}`
      const knownHostsFile = join(scratch, `accepted-${transport}`, 'known_hosts')
      const accepting = { hostKeys: hostKeys({ knownHostsFile, acceptNew: true }) }
      const strict = { hostKeys: hostKeys({ knownHostsFile, acceptNew: false }) }

      const unknown = await t.throwsAsync<SluiceError>(open({ transport, hostKeys: [] }, strict))
      const changed = await t.throwsAsync<SluiceError>(open({ transport, hostKeys: [other] }, accepting))
      for (const options of [accepting, accepting, strict]) {
        const connection = await open({ transport, hostKeys: [] }, options)
        connection.close()
      }

      t.is(unknown.code, 'HOST_KEY_UNKNOWN')
      t.is(changed.code, 'HOST_KEY_CHANGED')
      for (const error of [unknown, changed]) t.regex(error.subject, /(ssh-ed25519|ecdsa\S+) SHA256:\S{43}/)
      t.is(readFileSync(knownHostsFile, 'utf8').trim().split('\n').length, 1)
    })

    promise(
      'a key that the host does not know is a refused login, no key at all an error of its own',
      async (t) => {
        const stranger = join(scratch, `stranger-${transport}`)
        await $({ quiet: true })`ssh-keygen -q -t ed25519 -N ${''} -f ${stranger}`

        t.is(await failure(open({ transport, identityFile: stranger })), 'LOGIN_REFUSED')
        t.is(await failure(open({ transport, identityFile: '/nonexistent' })), 'KEY_UNUSABLE')
      },
    )

    promise('a host that is down, closed or silent is unreachable, in the time that it has', async (t) => {
      const silent = createServer().listen(0, '127.0.0.1')
      await once(silent, 'listening')
      const { port } = silent.address() as { port: number }
      const started = performance.now()

      const down = host().address.replace(/\d+$/, '99')
      for (const place of [{ address: down }, { port: 23 }, { address: '127.0.0.1', port }]) {
        t.is(await failure(open({ transport, ...place }, { timeoutMs: 2000 })), 'HOST_UNREACHABLE')
      }

      t.true(performance.now() - started < 20_000)
      silent.close()
    })

    promise('a connection that dies under a command, or falls silent, is said to be lost', async (t) => {
      for (const signal of ['KILL', 'STOP']) {
        const connection = await open({ transport }, { keepAliveMs: 1000 })
        let serverProcess = ''
        const command = connection.execute('echo $PPID; sleep 60', {
          input: '',
          onStdout: (text) => {
            serverProcess += text
          },
          onStderr: () => {},
        })
        while (serverProcess === '') await sleep(50)

        await beside((other) => ask(other, sh`kill -s ${signal} ${serverProcess.trim()}`))

        t.is(await failure(command), 'CONNECTION_LOST', signal)
        t.is(await failure(execute(connection, 'true')), 'CONNECTION_LOST', signal)
        connection.close()
        if (signal === 'STOP') await beside((other) => ask(other, sh`kill -s KILL ${serverProcess.trim()}`))
      }
    })

    promise('any login shell and noise at login leave the answers as they are', async (t) => {
      for (const shell of loginShells) {
        const user = `with-${shell.split('/').at(-1)}`
        const connection = await open({ transport, user, port: 2222 })

        const [first, second] = await runBatch(
          connection,
          [sh`id -un; printf %s ${hostile}`, sh`echo "$SLUICE_CLIENT" >&2; exit 4`],
          { stopOnFailure: false, timeoutSeconds: () => 20 },
        )
        await connection.upload(join(scratch, 'bytes'), `/tmp/${user}`, {})

        t.is(first?.stdout, `root\n${hostile}`, shell)
        t.is(second?.exitCode, 4, shell)
        t.regex(second?.stderr ?? '', /^10\.77\.\d+\.1\n$/, shell)
        t.is(await ask(connection, sh`stat --format=%s ${`/tmp/${user}`}; rm ${`/tmp/${user}`}`), '10000000')
        connection.close()
      }
    })

    promise('a command that hangs is ended on the host, also after noise at login', async (t) => {
      const connection = await open({ transport, user: 'with-bash' })

      const error = await t.throwsAsync<SluiceError>(
        runBatch(connection, [sh`exec sleep 31536000`], { stopOnFailure: true, timeoutSeconds: () => 1 }),
      )

      t.is(error.code, 'STEP_TIMEOUT')
      t.is(await ask(connection, sh`ps -eo args= | grep -c '^sleep 31536000' || :`), '0')
      connection.close()
    })
  }

  test.serial(
    'a server with nothing but post-quantum key exchange is reached by OpenSSH, which is said',
    async (t) => {
      const connection = await open({ port: 2223 })

      t.is((await execute(connection, 'echo here')).stdout, 'here\n')
      t.regex(connection.remark ?? '', /OpenSSH client.*no matching key exchange/)
      t.is(await failure(open({ port: 2223, transport: 'node-ssh' })), 'HOST_UNREACHABLE')
      connection.close()
    },
  )

  test.serial('no process of ssh outlives a run, however that ends', async (t) => {
    const traces = async () => {
      const { stdout } = await $({ quiet: true })`ps -eo args=`
      return stdout
        .split('\n')
        .filter((line) => line.includes('sluice-ssh-') && line.includes(host().address))
    }
    const program = `
      const { connect } = await import('./engine/transport/ssh.ts')
      const { hostKeys } = await import('./engine/transport/host-keys.ts')
      const host = JSON.parse(process.argv[1])
      const keys = hostKeys({ knownHostsFile: '/nonexistent', acceptNew: false })
      await connect(host, { hostKeys: keys, timeoutMs: 10_000 })
      process.kill(process.pid, 'SIGKILL')`
    const root = join(import.meta.dirname, '..', '..')

    await $({
      quiet: true,
      nothrow: true,
      cwd: root,
    })`${process.execPath} --input-type=module -e ${program} ${JSON.stringify(host({ transport: 'openssh' }))}`
    await Promise.all(
      Array.from({ length: 6 }, async () => {
        for (let times = 0; times < 10; times++) {
          const closed = await open({ transport: 'openssh' })
          await execute(closed, 'true')
          closed.close()
        }
      }),
    )

    // Sooner than the keep-alive, with which an ssh would notice that it is to end.
    await eventually('they are gone', async () => (await traces()).length === 0, 10_000)
    t.deepEqual(await traces(), [])
  })
}
