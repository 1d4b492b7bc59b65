import test from 'ava'
import { planLines } from '../../../../engine/report/plan.ts'
import { hostResult, plain, planned } from '../../../support/events.ts'

const shown = (changed: Parameters<typeof hostResult>[1], diff = false) =>
  planLines([hostResult('vm1', changed)], { diff, paint: plain })

test('a plan says what comes, what is altered, what goes and what waits', (t) => {
  const lines = shown({
    changed: [
      planned('vm1', 'file /etc/new', [
        { property: 'content', have: undefined, want: '12 bytes' },
        { property: 'mode', have: undefined, want: '0644' },
      ]),
      planned('vm1', 'directory /srv', [
        { property: 'mode', have: '0755', want: '0750' },
        { property: 'owner', have: 'root', want: 'kafka' },
      ]),
      planned('vm1', 'rule 9', [{ property: 'state', have: 'present', want: undefined }]),
      planned('vm1', 'unit kafka.service', [], ['file /etc/new', 'directory /srv']),
    ],
  })

  t.deepEqual(lines, [
    'vm1  4 changes',
    '  kafka',
    '  + file /etc/new  content 12 bytes, mode 0644',
    '  ~ directory /srv',
    '      mode 0755 → 0750',
    '      owner root → kafka',
    '  - rule 9  state present → absent',
    '  ? unit kafka.service  after: file /etc/new, directory /srv',
    '',
  ])
})

test('hosts with the same plan are shown once', (t) => {
  const hosts = ['vm1', 'vm2'].map((host) =>
    hostResult(host, { changed: [planned(host, 'a b', [{ property: 'mode', have: '1', want: '2' }])] }),
  )

  t.is(planLines(hosts, { diff: false, paint: plain })[0], 'vm1, vm2  1 change each')
})

test('a host that is as declared is not in the plan', (t) => {
  t.deepEqual(shown({}), [])
})

test('--diff shows a changed text as a unified diff', (t) => {
  const text = { have: 'a=1\nb=2\nc=3\n', want: 'a=1\nb=4\nc=3\n' }
  const change = { property: 'content', have: '12 bytes', want: '12 bytes', text }

  t.deepEqual(shown({ changed: [planned('vm1', 'file /a', [change])] }, true).slice(2, -1), [
    '  ~ file /a  content 12 bytes → 12 bytes',
    '      @@ -1,3 +1,3 @@',
    '       a=1',
    '      -b=2',
    '      +b=4',
    '       c=3',
  ])
})

test('a diff of a new file begins at nothing, and binary content is only said to be so', (t) => {
  const change = (want: string) => ({
    property: 'content',
    have: undefined,
    want: '4 bytes',
    text: { have: undefined, want },
  })

  const lines = (want: string) => shown({ changed: [planned('vm1', 'file /a', [change(want)])] }, true)

  t.deepEqual(lines('a=1\n').slice(3, -1), ['      @@ -0,0 +1,1 @@', '      +a=1'])
  t.deepEqual(lines('\u0000ELF').slice(3, -1), ['      binary content, not shown'])
})

test('a secret content shows no text even with --diff', (t) => {
  const lines = shown(
    { changed: [planned('vm1', 'file /a', [{ property: 'content', have: '***', want: '***' }])] },
    true,
  )

  t.is(lines[2], '  ~ file /a  content *** → ***')
})
