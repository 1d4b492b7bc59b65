import type { LogHeard } from '../../log.ts'
import type { ShownLetter, Trouble } from './wire.ts'

const kept = 30

/** What lately went wrong, newest first, as far as memory reaches back: the log and the dead-letter topic have it all. */
export class Recent {
  readonly troubles: Trouble[] = []
  readonly letters: ShownLetter[] = []

  readonly hear: LogHeard = ({ level, message }) => {
    const at = new Date().toISOString()
    const known = this.troubles.findIndex((trouble) => trouble.message === message && trouble.level === level)
    const [before] = known < 0 ? [] : this.troubles.splice(known, 1)
    this.troubles.unshift({ at, level, message, times: (before?.times ?? 0) + 1 })
    this.troubles.length = Math.min(this.troubles.length, kept)
  }

  readonly noteLetters = (
    { topic, partition }: { topic: string; partition: number },
    letters: { offset: string; reason: string }[],
  ): void => {
    const at = new Date().toISOString()
    const newest = letters.slice(-kept).reverse()
    this.letters.unshift(...newest.map(({ offset, reason }) => ({ at, topic, partition, offset, reason })))
    this.letters.length = Math.min(this.letters.length, kept)
  }
}
