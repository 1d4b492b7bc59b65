import { setTimeout as sleep } from 'node:timers/promises'
import { sh } from '../../engine/shell.ts'
import { cutPower, rebootHost, startHost } from '../../inventory/lab/power.ts'
import { type Fault, whileCut } from './fault.ts'
import { producerFaults } from './producer-faults.ts'
import { emptyDisk, fillDisk } from './small-disk.ts'

const services = {
  'processor.service': 'vm3',
  'producer@1.service': 'vm4',
  'producer@2.service': 'vm4',
  'kafka.service': 'vm1',
  'zookeeper.service': 'vm1',
  'mongod.service': 'vm2',
} as const

const signals = Object.entries(services).flatMap(([unit, host]) =>
  ['KILL', 'TERM'].map(
    (signal): Fault => ({
      name: `SIG${signal} to ${unit}`,
      // A service that ends in order at a SIGTERM was meant to end: systemd starts it again only when it is told to.
      strike: async ({ onHost }) => {
        await onHost(
          host,
          signal === 'TERM'
            ? sh`systemctl stop ${unit}; sleep 1; systemctl start ${unit}`
            : sh`systemctl kill --signal KILL ${unit}`,
        )
      },
    }),
  ),
)

const restarts = ['vm1', 'vm2', 'vm3', 'vm4'].flatMap((name): Fault[] => [
  { name: `reboot of ${name}`, strike: ({ settings }) => rebootHost(settings, name) },
  {
    name: `power cut of ${name}`,
    async strike({ settings }) {
      await cutPower(settings, name)
      await startHost(settings, name)
    },
  },
])

const cuts = (
  [
    ['vm3', 'vm1'],
    ['vm3', 'vm2'],
    ['vm4', 'vm1'],
  ] as const
).flatMap(([from, to]) =>
  (['to', 'from', 'both ways between'] as const).map(
    (way): Fault => ({
      name: `network cut ${way === 'both ways between' ? `${way} ${from} and ${to}` : `${from} ${way} ${to}`}`,
      strike: (ground) => whileCut(ground, { from, to, way }, () => sleep(2000 + ground.random() * 8000)),
    }),
  ),
)

const company: Fault = {
  name: 'a second processor joins the group and leaves it',
  async strike({ onHost, random }) {
    await onHost(
      'vm3',
      sh`systemd-run --quiet --unit chaos-second --property User=pipeline --property EnvironmentFile=/etc/sluice/processor.env --setenv HTTP_HOST=127.0.0.1 /bin/sh -c 'HTTP_PORT=8089 exec /opt/sluice/node/current/bin/node /opt/sluice/processor/current/processor.cjs'`,
    )
    await sleep(4000 + random() * 8000)
    const verb = random() < 0.5 ? 'stop' : 'kill --signal KILL'
    await onHost(
      'vm3',
      sh`systemctl ${verb.split(' ')} chaos-second; systemctl reset-failed chaos-second 2>/dev/null || :`,
    )
  },
}

/** Where mongod writes: a small disk of its own. */
export const mongodbDirectory = '/var/lib/mongodb'

/** mongod ends soon after it finds no room, for its own diagnostics first, and at every new start, until there is room. */
const fullDisk: Fault = {
  name: 'a full disk on vm2',
  async strike({ onHost, random }) {
    const starts = () => onHost('vm2', sh`systemctl show --property NRestarts --value mongod`)
    const before = await starts()
    await onHost('vm2', fillDisk(mongodbDirectory))
    try {
      for (let seconds = 0; (await starts()) === before; seconds++) {
        if (seconds === 120) throw new Error('mongod ran for 120 s on a full disk: nothing was tried')
        await sleep(1000)
      }
      await sleep(random() * 10_000)
    } finally {
      await onHost('vm2', emptyDisk(mongodbDirectory))
    }
  },
}

/** All that is struck with. Clocks that are wrong are in the stream itself. */
export const faults: readonly Fault[] = [
  ...signals,
  ...restarts,
  ...cuts,
  company,
  fullDisk,
  ...producerFaults,
]

/** Faults without end: all of them in an order that chance decides, then all of them in another. */
export function* inTurns(chosen: readonly Fault[], random: () => number): Generator<Fault, void> {
  while (chosen.length > 0) {
    const drawn = chosen.map((fault) => ({ fault, place: random() })).sort((a, b) => a.place - b.place)
    for (const { fault } of drawn) yield fault
  }
}
