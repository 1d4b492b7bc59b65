import test from 'ava'
import { SluiceError } from '../../../../engine/errors.ts'
import { stoppedReason } from '../../../../engine/events.ts'
import { hostErrors } from '../../../../engine/report/host-errors.ts'
import { recapLines, summaryLine } from '../../../../engine/report/recap.ts'
import { hostResult, plain, planned, runResult, unreachable } from '../../../support/events.ts'

const changed = (host: string) =>
  planned(host, 'file /etc/a', [{ property: 'mode', have: '0644', want: '0640' }])
const stopped = (host: string) =>
  new SluiceError('INTERRUPTED', {
    subject: 'the run was stopped',
    at: `${host} > kafka > unit kafka.service`,
  })

test('a line a host has its counts and its duration', (t) => {
  const lines = recapLines(
    runResult([
      hostResult('vm1', { status: 'changed', changed: [changed('vm1')], durationMs: 61_000 }),
      hostResult('host-22'),
    ]),
    { verbose: false, paint: plain },
  )

  t.deepEqual(lines, [
    '✔ vm1      ok 3    changed 1    failed 0    skipped 0      1 min 1 s',
    '✔ host-22  ok 3    changed 0    failed 0    skipped 0          1.2 s',
  ])
})

test('that nothing changed is said in words', (t) => {
  t.is(
    summaryLine(runResult([hostResult('vm1'), hostResult('vm2')]), plain),
    'Nothing changed on any host: all 6 resources are as declared. (2.0 s)',
  )
})

test('a check says what would change, and that nothing was changed', (t) => {
  const result = runResult([hostResult('vm1', { status: 'changed', changed: [changed('vm1')] })], {
    mode: 'check',
  })

  t.is(summaryLine(result, plain), '1 resource on 1 host would change; nothing was changed. (2.0 s)')
})

test('what is no host is called what it is', (t) => {
  const region = hostResult('eu-central-1', { status: 'changed', changed: [changed('eu-central-1')] })
  const quiet = hostResult('eu-central-1')
  const summary = (host: typeof region, mode: 'apply' | 'check') =>
    summaryLine(runResult([host], { mode, noun: 'region' }), plain)

  t.is(summary(region, 'apply'), 'Done: 1 resource changed in 1 region. (2.0 s)')
  t.is(summary(region, 'check'), '1 resource in 1 region would change; nothing was changed. (2.0 s)')
  t.is(summary(quiet, 'apply'), 'Nothing changed in any region: all 3 resources are as declared. (2.0 s)')
})

test('a check of a removal says what would go, and that nothing was changed', (t) => {
  const result = runResult([hostResult('vm1', { status: 'changed', changed: [changed('vm1')] })], {
    mode: 'check-removal',
  })

  t.is(summaryLine(result, plain), '1 resource on 1 host would be removed; nothing was changed. (2.0 s)')
  t.regex(recapLines(result, { verbose: false, paint: plain }).join('\n'), /to remove 1/)
})

test('a host that failed says what was applied and what was not tried, by name with --verbose', (t) => {
  const error = new SluiceError('STEP_FAILED', { subject: 'exit code 1', at: 'vm1 > kafka > file /etc/b' })
  const result = runResult([
    hostResult('vm1', {
      status: 'failed',
      changed: [changed('vm1')],
      notTried: ['file /etc/b', 'unit kafka.service'],
      error,
    }),
  ])

  const short = recapLines(result, { verbose: false, paint: plain }).join('\n')
  const long = recapLines(result, { verbose: true, paint: plain }).join('\n')

  t.regex(short, /failed 1 +skipped 1/)
  t.regex(short, /changed before it stopped: 1 resource; not tried: 1/)
  t.regex(long, /changed +file \/etc\/a \(mode 0644 → 0640\)/)
  t.regex(long, /not tried +unit kafka\.service/)
})

test('a host that was skipped says what it waited for', (t) => {
  const reason = 'processor needs kafka, which did not end well on vm1'
  const lines = recapLines(
    runResult([hostResult('vm3', { status: 'skipped', reason, notTried: ['file /etc/a'] })]),
    {
      verbose: false,
      paint: plain,
    },
  )

  t.regex(lines.join('\n'), /– vm3 .*skipped 1/)
  t.true(lines.join('\n').includes(reason))
  t.true(lines.join('\n').includes('nothing was changed on this host'))
})

test('a host that a stopped run had not come to says so, and is no failure', (t) => {
  const lines = recapLines(
    runResult([hostResult('vm3', { status: 'skipped', reason: stoppedReason, notTried: ['file /etc/a'] })], {
      interrupted: true,
    }),
    { verbose: false, paint: plain },
  ).join('\n')

  t.regex(lines, /■ vm3/)
  t.regex(lines, /not tried: the run was stopped/)
  t.notRegex(lines, /needs|did not end well|between two/)
})

test('a stopped run is no failure of its hosts, and says how it goes on', (t) => {
  const hosts = [
    hostResult('vm1', {
      status: 'failed',
      changed: [changed('vm1')],
      notTried: ['x'],
      error: stopped('vm1'),
    }),
  ]
  const result = runResult(hosts, { interrupted: true })

  t.regex(recapLines(result, { verbose: false, paint: plain }).join('\n'), /■ vm1 .*failed 0/)
  t.regex(summaryLine(result, plain), /^Stopped: 1 resource changed on 1 host\. Run again/)
  t.deepEqual(hostErrors(hosts), [])
})

test('an error of several hosts is shown once, with all their names', (t) => {
  const sudo = (host: string) =>
    new SluiceError('BECOME_REFUSED', { subject: 'no sudo', at: `${host} > base`, advice: 'allow it' })
  const hosts = ['vm1', 'vm2', 'vm3'].map((host) => hostResult(host, { status: 'failed', error: sudo(host) }))

  t.deepEqual(hostErrors(hosts), ['BECOME_REFUSED  no sudo\n  at   vm1, vm2, vm3 > base\n  do   allow it'])
})

test('errors at what is named after its host stand together', (t) => {
  const missing = (host: string) =>
    new SluiceError('PROGRAM_MISSING', { subject: 'no multipass', at: `${host} > instance shop-${host}` })
  const hosts = ['vm1', 'vm2'].map((host) => hostResult(host, { status: 'failed', error: missing(host) }))

  t.deepEqual(hostErrors(hosts), ['PROGRAM_MISSING  no multipass\n  at   vm1, vm2 > instance shop-…'])
  t.deepEqual(hostErrors(hosts.slice(1)), ['PROGRAM_MISSING  no multipass\n  at   vm2 > instance shop-vm2'])
})

test('a name that is part of another word divides nothing', (t) => {
  const broken = (host: string) =>
    new SluiceError('STEP_FAILED', { subject: 'no', at: `${host} > mongodb > a` })
  const hosts = ['db', 'cache'].map((host) => hostResult(host, { status: 'failed', error: broken(host) }))

  t.deepEqual(hostErrors(hosts), ['STEP_FAILED  no\n  at   db, cache > mongodb > a'])
})

test('errors that differ only in the address stand together', (t) => {
  const hosts = ['vm1', 'vm2'].map((host, index) =>
    hostResult(host, { status: 'failed', error: unreachable(host, `10.0.0.${index}`) }),
  )

  t.deepEqual(hostErrors(hosts), [
    [
      'HOST_UNREACHABLE  10.0.0.0:22 did not answer by SSH within 10 s',
      '                  10.0.0.1:22 did not answer by SSH within 10 s',
      '  at   vm1, vm2',
      '  why  ETIMEDOUT',
      '  do   check that the host is up',
    ].join('\n'),
  ])
})

test('what a host said cannot steer the terminal', (t) => {
  const error = new SluiceError('STEP_FAILED', {
    subject: 'exit code 1',
    at: 'vm1',
    why: '\u001b[2Jgone\u0007',
  })

  const shown = hostErrors([hostResult('vm1', { status: 'failed', error })]).join('')

  t.true(shown.includes('gone'))
  t.false(shown.includes('\u001b') || shown.includes('\u0007'))
})
