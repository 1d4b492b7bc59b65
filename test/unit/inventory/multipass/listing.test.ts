import test from 'ava'
import fc from 'fast-check'
import { SluiceError } from '../../../../engine/errors.ts'
import { nextStep, parseListing } from '../../../../inventory/multipass/listing.ts'

/** In the form that the formatter of Multipass 1.6.2 prints (Qt's JSON, four spaces), with values of our own. */
const release16 = `{
    "list": [
        {
            "ipv4": [
                "10.140.26.17"
            ],
            "name": "sluice-4f1a02-vm1",
            "release": "20.04 LTS",
            "state": "Running"
        },
        {
            "ipv4": [
            ],
            "name": "primary",
            "release": "20.04 LTS",
            "state": "Stopped"
        }
    ]
}
`

/** Likewise of 1.13.1: "Ubuntu" before the release, several addresses, "N/A" while there is none yet. */
const release113 = `{
    "list": [
        {
            "ipv4": [
                "10.140.26.17",
                "172.17.0.1"
            ],
            "name": "sluice-4f1a02-vm1",
            "release": "Ubuntu 22.04 LTS",
            "state": "Running"
        },
        {
            "ipv4": [
                "N/A"
            ],
            "name": "sluice-4f1a02-vm2",
            "release": "Not Available",
            "state": "Running"
        },
        {
            "ipv4": [
            ],
            "name": "old",
            "release": "Not Available",
            "state": "Deleted"
        }
    ]
}
`

/** Likewise of the main branch of 2026-08: another order, and zones, one of which is switched off. */
const release2026 = `{
    "list": [
        {
            "name": "sluice-4f1a02-vm1",
            "state": "Running",
            "ipv4": [
                "10.97.0.76"
            ],
            "release": "Ubuntu 24.04 LTS",
            "zone": {
                "name": "zone1",
                "available": true
            }
        },
        {
            "name": "sluice-4f1a02-vm2",
            "state": "Unavailable",
            "ipv4": [
            ],
            "release": "Ubuntu 24.04 LTS",
            "zone": {
                "name": "zone2",
                "available": false
            }
        }
    ]
}
`

test('a list of 1.6 is names, states and addresses', (t) => {
  t.deepEqual(parseListing(release16), [
    { name: 'sluice-4f1a02-vm1', state: 'Running', address: '10.140.26.17' },
    { name: 'primary', state: 'Stopped', address: undefined },
  ])
})

test('of several addresses the first one is taken, and "N/A" is none', (t) => {
  t.deepEqual(
    parseListing(release113).map(({ address }) => address),
    ['10.140.26.17', undefined, undefined],
  )
})

test('what later releases have besides does not matter', (t) => {
  t.deepEqual(
    parseListing(release2026).map(({ name, state }) => [name, state]),
    [
      ['sluice-4f1a02-vm1', 'Running'],
      ['sluice-4f1a02-vm2', 'Unavailable'],
    ],
  )
})

test('no instance at all is an empty list', (t) => {
  t.deepEqual(parseListing('{\n    "list": [\n    ]\n}\n'), [])
})

for (const [title, text, subject] of [
  ['a warning instead of JSON', 'Multipass 1.14 is available\n', /should be JSON, got "Multipass 1\.14/],
  ['nothing', '', /should be JSON, got ""/],
  ['another command’s answer', '{"errors":[],"info":{}}', /^list is missing$/],
  ['an instance without a state', '{"list":[{"name":"a","ipv4":[]}]}', /^list\/0\/state is missing$/],
  [
    'an address that is no text',
    '{"list":[{"name":"a","state":"b","ipv4":[1]}]}',
    /^list\/0\/ipv4\/0 should be string/,
  ],
] as const) {
  test(`${title} is an error that says where`, (t) => {
    const error = t.throws(() => parseListing(text), { instanceOf: SluiceError })

    t.is(error.code, 'PROGRAM_FAILED')
    t.regex(error.subject, subject)
    t.is(error.at, 'multipass list --format json')
  })
}

test('whatever is printed, it is read or is an error for users', (t) => {
  const entry = fc.record(
    {
      name: fc.oneof(fc.string(), fc.integer()),
      state: fc.oneof(fc.constantFrom('Running', 'Deleted'), fc.jsonValue()),
      ipv4: fc.oneof(fc.array(fc.oneof(fc.ipV4(), fc.string())), fc.jsonValue()),
    },
    { requiredKeys: [] },
  )
  const listing = fc.record({ list: fc.array(entry) }).map((value) => JSON.stringify(value))
  const cut = fc
    .tuple(fc.constantFrom(release16, release113, release2026), fc.nat(600))
    .map(([text, length]) => text.slice(0, length))
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json(), listing, cut), (text) => {
      try {
        for (const { name, state, address } of parseListing(text)) {
          t.true(name !== '' && state !== '')
          t.regex(address ?? '0.0.0.0', /^(\d{1,3}\.){3}\d{1,3}$/)
        }
      } catch (error) {
        t.true(error instanceof SluiceError && error.code === 'PROGRAM_FAILED')
      }
    }),
  )
})

test('every state of Multipass but Running has a next step of its own', (t) => {
  const states = [
    'Stopped',
    'Deleted',
    'Starting',
    'Restarting',
    'Delayed Shutdown',
    'Suspending',
    'Suspended',
    'Unavailable',
  ]

  for (const state of states) t.notRegex(nextStep({ name: 'vm', state }), /multipass info/, state)
  t.regex(nextStep({ name: 'vm', state: 'Deleted' }), /multipass recover vm.*multipass delete --purge vm/)
  t.regex(nextStep({ name: 'vm', state: 'Unknown' }), /multipass info vm/)
})
