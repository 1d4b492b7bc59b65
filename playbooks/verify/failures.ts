import { cut, type Paint, printable } from '../../engine/report/terminal.ts'
import { count } from '../../engine/report/wording.ts'
import { type CheckResult, type Evidence, titleOf, type VerifyResult } from './result.ts'
import { tellingLines } from './telling-lines.ts'

/** Lines of a journal are cut to this; --json has them whole. */
const widestEvidence = 160

/** Of how many hosts it is shown what they say of one and the same. */
const shownHosts = 3

/** More skipped checks than this are only counted. */
const namedSkips = 6

/** What fails further up explains what fails below it. */
const upstreamFirst = [
  'groups',
  'login',
  'host',
  'zookeeper.service',
  'kafka.service',
  'mongod.service',
  'processor.service',
  'producer.service',
  'firewall',
  'kafka',
  'topics',
  'mongodb',
  'indexes',
]

/**
 * What failed, the cause first: each remedy once, with all that it is for, what the hosts say of that, and what follows
 * from it.
 */
export function failureLines({ checks }: VerifyResult, paint: Paint): string[] {
  const failed = checks.filter(({ status }) => status === 'failed')
  const causes = failed
    .filter(({ because }) => because === undefined)
    .toSorted((left, right) => placeOf(left) - placeOf(right))
  const remedies = [...Map.groupBy(causes, ({ advice, name }) => advice ?? name).values()]
  const told = new Set<CheckResult>()
  const looked = new Set<string>()
  const lines = remedies.flatMap((group) => {
    const titles = new Set(group.map(titleOf))
    const follows = checks.filter((check) => !told.has(check) && followsFrom(check, titles))
    for (const check of follows) told.add(check)
    return ['', ...groupLines(group, { follows, looked, paint })]
  })
  return lines.length === 0 ? [] : ['', paint('bold', 'what failed, the cause first'), ...lines]
}

function placeOf({ name }: CheckResult): number {
  const place = upstreamFirst.indexOf(name.replace(/@\d+\.service$/, '.service'))
  return place < 0 ? upstreamFirst.length : place
}

function followsFrom({ status, because = [], detail }: CheckResult, titles: Set<string>): boolean {
  if (status === 'skipped') return [...titles].some((title) => detail === `${title} failed`)
  return because.some((title) => titles.has(title))
}

interface Manner {
  follows: readonly CheckResult[]
  /** What was looked at before, for another remedy. */
  looked: Set<string>
  paint: Paint
}

function groupLines(group: CheckResult[], { follows, looked, paint }: Manner): string[] {
  const heads = Map.groupBy(group, ({ name, detail }) => JSON.stringify([name, detail]))
  const advice = group[0]?.advice
  return [
    ...[...heads.values()].map((alike) => {
      const [first] = alike
      return `${paint(['red', 'bold'], sharedTitle(alike))}: ${printable(first?.detail ?? '')}`
    }),
    ...(advice === undefined ? [] : [`  do    ${advice}`]),
    ...evidenceLines(
      [...heads.values()].flatMap((alike) => alike.slice(0, shownHosts)),
      looked,
      paint,
    ),
    ...consequenceLines(follows),
  ]
}

function sharedTitle(alike: readonly CheckResult[]): string {
  const hosts = alike.flatMap(({ host }) => (host === undefined ? [] : [host]))
  return titleOf({ name: alike[0]?.name ?? '', ...(hosts.length > 0 && { host: hosts.join(', ') }) })
}

/** The same is looked at once, however many checks it explains. */
function evidenceLines(group: readonly CheckResult[], looked: Set<string>, paint: Paint): string[] {
  const sources = Map.groupBy(
    group.flatMap(({ look }) => look),
    ({ host, command }) => `${host}: ${command}`,
  )
  return [...sources].flatMap(([source, [evidence]]) => {
    if (looked.has(source)) return [`  look  ${source} (above)`]
    looked.add(source)
    return [
      `  look  ${source}`,
      ...(evidence === undefined ? [] : saidBy(evidence)).map((line) =>
        paint('dim', cut(`          ${line}`, widestEvidence)),
      ),
    ]
  })
}

function saidBy({ command, lines }: Evidence): string[] {
  if (lines.length === 0) return ['(nothing)']
  return command.startsWith('journalctl ') ? tellingLines(lines) : lines
}

function consequenceLines(follows: readonly CheckResult[]): string[] {
  const failed = follows.filter(({ status }) => status === 'failed')
  const skipped = follows.filter(({ status }) => status === 'skipped').map(titleOf)
  const names = skipped.length > namedSkips ? '' : `: ${skipped.join(', ')}`
  const said = [
    ...failed.map((check) => `${titleOf(check)}: ${printable(check.detail)}`),
    ...(skipped.length === 0 ? [] : [`${count(skipped.length, 'check')} skipped${names}`]),
  ]
  return said.map((text, index) => `${index === 0 ? '  so    ' : '        '}${text}`)
}
