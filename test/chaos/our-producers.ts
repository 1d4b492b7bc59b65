import * as v from 'valibot'
import { type Script, sh } from '../../engine/shell.ts'
import { emptyDisk, fillDisk } from './small-disk.ts'

/** Where our own producers keep their spools: a small disk of its own, which can be full. */
export const spoolsDirectory = '/var/lib/sluice-producer'

const settings = '/etc/chaos'
const words = '/var/lib/chaos-producers'
const dropIn = '/etc/systemd/system/producer@.service.d'
const units = ['producer@1', 'producer@2']

/** Lets both producers write down what becomes of each pair of events. The second has a spool that is soon full. */
export const keepTheirWord: Script = sh`set -e
  mkdir --parents ${settings} ${words} ${dropIn}
  printf '%s\\n' LOG_LEVEL=debug SLEEP_SEC=0.1 > ${settings}/producer-1.env
  printf '%s\\n' LOG_LEVEL=debug SLEEP_SEC=0.1 SPOOL_MB=0.05 > ${settings}/producer-2.env
  printf '%s\\n' '[Service]' ${`EnvironmentFile=${settings}/producer-%i.env`} ${`StandardOutput=append:${words}/%i.log`} ${`StandardError=append:${words}/%i.log`} > ${dropIn}/chaos.conf
  systemctl daemon-reload
  systemctl restart ${units}`

/** Ends both once nothing waits in a spool any more. */
export const endThem: Script = sh`
  timeout 100 sh -c ${`until [ -z "$(find ${spoolsDirectory} -name '*.spool')" ]; do sleep 0.2; done`} || { find ${spoolsDirectory} -ls >&2; exit 1; }
  systemctl disable --quiet --now ${units}
  find ${spoolsDirectory} -name '*.spool*'`

export const startThemAgain: Script = sh`rm --recursive ${dropIn}; systemctl daemon-reload; systemctl enable --quiet --now ${units}`

export const wordOf = (instance: 1 | 2): Script => sh`cat ${words}/${instance}.log`

/** Prints in how many lines a producer has said this. */
export const timesSaid = (instance: 1 | 2, text: string): Script =>
  sh`grep --count --fixed-strings ${text} ${words}/${instance}.log || :`

/** Waits until something of both lies in a spool. */
export const untilBothSpool: Script = sh`
  timeout 60 sh -c ${`until [ "$(find ${spoolsDirectory} -name '*.spool' -size +0 | cut -d / -f 5 | sort -u | wc -l)" = 2 ]; do sleep 0.2; done`}`

export const fillSpools = fillDisk(spoolsDirectory)
export const emptySpools = emptyDisk(spoolsDirectory)

const ByTopic = v.record(v.string(), v.number())
const Line = v.union([
  v.object({
    msg: v.literal('events handed over'),
    fate: v.picklist(['acknowledged', 'spooled', 'given up']),
    events: v.literal(2),
    first: v.string(),
    last: v.string(),
  }),
  v.object({ msg: v.string() }),
  v.object({ iterations: v.number(), given_up: ByTopic }),
])

/** What a producer has said of its events. */
export interface Word {
  /** The ids of events that it took on. */
  acknowledged: string[]
  spooled: string[]
  /** The ids of those that it said it could not keep. */
  givenUp: string[]
  /** How often it was started, and how often it ended in order, with a report. */
  runs: number
  reports: number
  /** Where it contradicts itself, drops events without saying so loudly, or says what nobody expects. */
  faults: string[]
}

/** Reads the log of a producer over all its runs. */
export function readWord(log: string): Word {
  const word: Word = { acknowledged: [], spooled: [], givenUp: [], runs: 0, reports: 0, faults: [] }
  const lists = { acknowledged: word.acknowledged, spooled: word.spooled, 'given up': word.givenUp }
  let loud = false
  let run = { events: 0, givenUp: 0 }
  for (const written of log.split('\n').filter((each) => each !== '')) {
    const parsed = v.safeParse(v.pipe(v.string(), v.parseJson(), Line), written)
    if (!parsed.success) {
      word.faults.push(`an unexpected line: ${written}`)
      continue
    }
    const line = parsed.output
    if ('iterations' in line) {
      word.reports += 1
      const givenUp = Object.values(line.given_up).reduce((sum, count) => sum + count, 0)
      if (run.events !== line.iterations * 2 || run.givenUp !== givenUp)
        word.faults.push(`a report that differs from ${JSON.stringify(run)}: ${written}`)
    } else if ('fate' in line) {
      run.events += 2
      lists[line.fate].push(line.first, line.last)
      if (line.fate === 'acknowledged') loud = false
      if (line.fate !== 'given up') continue
      run.givenUp += 2
      if (!loud) word.faults.push(`given up, but not said loudly: ${written}`)
    } else if (line.msg === 'sending') {
      word.runs += 1
      run = { events: 0, givenUp: 0 }
      loud = false
    } else if (line.msg.startsWith('THE SPOOL TAKES NO MORE')) loud = true
    else if (line.msg === 'the spool takes events again') loud = false
  }
  return word
}

/** What a producer has said, in a line. */
export function sumOf({ acknowledged, spooled, givenUp, runs, reports }: Word, index: number): string {
  const ends = `${runs} runs, ${reports} of them ended in order`
  return `producer@${index + 1}: ${ends}; ${acknowledged.length} events acknowledged and ${spooled.length} spooled, each one document; ${givenUp.length} given up, as it said`
}
