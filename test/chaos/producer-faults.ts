import { setTimeout as sleep } from 'node:timers/promises'
import { sh } from '../../engine/shell.ts'
import { cutPower, startHost } from '../../inventory/lab/power.ts'
import { type Fault, type Ground, whileCut } from './fault.ts'
import { emptySpools, fillSpools, timesSaid, untilBothSpool } from './our-producers.ts'

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

/** Kafka stays away until after the strike: what waited before it must be sent by who comes after it. */
const whileWaiting = (name: string, strike: (ground: Ground) => Promise<void>): Fault => ({
  name: `${name} while events wait in the spools`,
  strike: (ground) =>
    // By rules of vm1, since those of vm4 do not outlive a power cut.
    whileCut(ground, { from: 'vm1', to: 'vm4', way: 'both ways between' }, async () => {
      await ground.onHost('vm4', untilBothSpool)
      await sleep(ground.random() * 4000)
      await strike(ground)
      await sleep(ground.random() * 4000)
    }),
})

const units = ['producer@1', 'producer@2']

/** What is about our own producers and their spools alone. */
export const producerFaults: readonly Fault[] = [
  fullSpool,
  fullSpoolDisk,
  whileWaiting('SIGKILL to both producers', async ({ onHost }) => {
    await onHost('vm4', sh`systemctl kill --signal KILL ${units}`)
  }),
  whileWaiting('SIGTERM to both producers', async ({ onHost }) => {
    await onHost('vm4', sh`systemctl stop ${units}; systemctl start ${units}`)
  }),
  whileWaiting('power cut of vm4', async ({ settings }) => {
    await cutPower(settings, 'vm4')
    await startHost(settings, 'vm4')
  }),
]
