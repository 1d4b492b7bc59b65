import { setTimeout as sleep } from 'node:timers/promises'
import { type Script, sh } from '../../engine/shell.ts'
import { cutPower, rebootHost, startHost } from '../../inventory/lab/power.ts'
import type { LabSettings } from '../../inventory/lab/settings.ts'
import { emptySpools, fillSpools, timesSaid } from './our-producers.ts'
import { emptyDisk, fillDisk } from './small-disk.ts'

/** What a fault may use. */
export interface Ground {
  settings: LabSettings
  onHost(name: string, script: Script): Promise<string>
  /** The addresses by which other hosts reach a host. */
  addresses(name: string): string[]
  /** A number from 0 up to 1, from the seed. */
  random(): number
}

/** Something that goes wrong, and is over when the promise is kept. */
export interface Fault {
  name: string
  strike(ground: Ground): Promise<void>
}

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

type Way = 'to' | 'from' | 'both ways between'

/** Lets something happen while packets between two hosts are dropped. */
async function whileCut(
  { onHost, addresses }: Ground,
  { from, to, way }: { from: string; to: string; way: Way },
  happen: () => Promise<void>,
): Promise<void> {
  const rules = (verb: '--insert' | '--delete') =>
    addresses(to).flatMap((address) => {
      const program = address.includes(':') ? 'ip6tables' : 'iptables'
      return [
        ...(way === 'from' ? [] : [`${program} ${verb} OUTPUT --destination ${address} --jump DROP`]),
        ...(way === 'to' ? [] : [`${program} ${verb} INPUT --source ${address} --jump DROP`]),
      ]
    })
  const all = (verb: '--insert' | '--delete') => sh`for rule in ${rules(verb)}; do $rule; done`
  await onHost(from, all('--insert'))
  try {
    await happen()
  } finally {
    await onHost(from, all('--delete'))
  }
}

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

/** Waits until a producer says something that it has not said before. */
async function untilSaid({ onHost }: Ground, instance: 1 | 2, text: string, before: string): Promise<void> {
  for (let seconds = 0; (await onHost('vm4', timesSaid(instance, text))) === before; seconds++) {
    if (seconds === 90) throw new Error(`producer@${instance} has not said "${text}" within 90 s`)
    await sleep(1000)
  }
}

const awayFromKafka = { from: 'vm4', to: 'vm1', way: 'both ways between' } as const

const fullSpool: Fault = {
  name: 'a network cut until producer@2 has no room in its spool',
  async strike(ground) {
    const text = '"fate":"given up"'
    const before = await ground.onHost('vm4', timesSaid(2, text))
    await whileCut(ground, awayFromKafka, async () => {
      await untilSaid(ground, 2, text, before)
      await sleep(ground.random() * 4000)
    })
  },
}

/** Kafka comes back while the disk is still full: what waits must leave it all the same. */
const fullSpoolDisk: Fault = {
  name: 'a network cut with a full disk below the spools',
  async strike(ground) {
    const text = 'the spool cannot be written'
    const before = await ground.onHost('vm4', timesSaid(1, text))
    try {
      await whileCut(ground, awayFromKafka, async () => {
        await sleep(3000 + ground.random() * 4000)
        await ground.onHost('vm4', fillSpools)
        await untilSaid(ground, 1, text, before)
      })
      await sleep(2000 + ground.random() * 3000)
    } finally {
      await ground.onHost('vm4', emptySpools)
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
  fullSpool,
  fullSpoolDisk,
]

/** Faults without end: all of them in an order that chance decides, then all of them in another. */
export function* inTurns(chosen: readonly Fault[], random: () => number): Generator<Fault, void> {
  while (chosen.length > 0) {
    const drawn = chosen.map((fault) => ({ fault, place: random() })).sort((a, b) => a.place - b.place)
    for (const { fault } of drawn) yield fault
  }
}

/** Numbers from 0 up to 1 that a seed decides (mulberry32). */
export function randomOf(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}
