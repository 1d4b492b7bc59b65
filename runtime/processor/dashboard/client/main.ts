import type { History, LiveState, Range, Tick } from '../wire.ts'
import { rangeNames } from '../wire.ts'
import { Chart, type ChartOptions } from './chart.ts'
import { byId, showNumber } from './elements.ts'
import { dollars, duration, short, whole } from './format.ts'
import { showSpark } from './spark.ts'
import { Stream } from './stream.ts'
import { hoursOf, showGpus, showLive, showModels } from './tables.ts'

const ticksKept = 300
const ticksOfSpark = 120

const spans: Record<Range, string> = {
  '15m': 'in 15 minutes',
  '1h': 'in 1 hour',
  '6h': 'in 6 hours',
  '24h': 'in 24 hours',
  '7d': 'in 7 days',
  '30d': 'in 30 days',
}

const chart = (id: string, options: ChartOptions) => new Chart(byId(id, HTMLElement), options)

const usage = { nothing: 'no usage in this time', write: short, writeAxis: short, leastTop: 1 }
const share = {
  ...{ nothing: 'no GPU reported in this time', write: (value: number) => `${short(value)} %` },
  ...{ writeAxis: short, top: 100, leastTop: 100 },
}
const charts = {
  events: chart('chart-events', { ...usage, title: 'Events per second' }),
  tokens: chart('chart-tokens', { ...usage, title: 'Tokens per second by model' }),
  cost: chart('chart-cost', {
    ...usage,
    title: 'Cost per hour by model in US dollars',
    ...{ write: dollars, writeAxis: (value: number) => `$${short(value)}`, leastTop: 0.001 },
  }),
  utilization: chart('chart-utilization', { ...share, title: 'GPU utilisation in percent' }),
  memory: chart('chart-memory', { ...share, title: 'GPU memory used in percent' }),
  lag: chart('chart-lag', {
    ...{ title: 'Messages waiting', nothing: 'nothing measured yet' },
    ...{ write: short, writeAxis: short, leastTop: 10 },
  }),
}

let ticks: Tick[] = []
let history: History | undefined
let live: LiveState | undefined
let version: string | undefined
/** Whether the database did not answer when it was asked last. */
let away = false

function showStatus(state: 'ready' | 'unready' | 'lost', text: string): void {
  byId('status', HTMLElement).dataset.state = state
  const element = byId('status-text', HTMLElement)
  if (element.textContent !== text) element.textContent = text
  document.body.classList.toggle('lost', state === 'lost')
}

function showNotice(): void {
  const reasons = Object.entries(live?.reasons ?? {}).map(([part, reason]) => `${part}: ${reason}`)
  const standing = away ? 'The database does not answer: charts and tables stand still.' : ''
  const text = reasons.length === 0 ? standing : `Not ready. ${reasons.join('; ')}`
  const notice = byId('notice', HTMLElement)
  notice.hidden = text === ''
  if (notice.textContent !== text) notice.textContent = text
}

function showTicks(): void {
  const recent = ticks.slice(-ticksOfSpark)
  showSpark(
    byId('spark-events', HTMLElement),
    recent.map((tick) => tick.events_per_second),
  )
  showSpark(
    byId('spark-tokens', HTMLElement),
    recent.map((tick) => tick.tokens_per_second),
  )
  showSpark(
    byId('spark-lag', HTMLElement),
    recent.map((tick) => tick.lag),
  )
  const times = ticks.map(({ at }) => at / 1000)
  charts.lag.show(times, [{ name: 'messages', values: ticks.map(({ lag }) => lag) }])
}

function onTick(state: LiveState): void {
  live = state
  ticks = [...ticks, state].slice(-ticksKept)
  byId('host', HTMLElement).textContent = state.host
  byId('uptime', HTMLElement).textContent = `· up ${duration(state.uptime_seconds)}`
  const ready = Object.keys(state.reasons).length === 0
  showStatus(ready ? 'ready' : 'unready', ready ? 'Ready' : 'Not ready')
  showNotice()
  showNumber('events-rate', state.events_per_second, short)
  showNumber('tokens-rate', state.tokens_per_second, short)
  showNumber('lag', state.lag, short)
  showNumber('dead', state.dead_letters ?? state.rejected, short)
  showNumber('rejected', state.rejected, whole)
  byId('dead-tile', HTMLElement).classList.toggle('alarm', state.rejected > 0)
  showTicks()
  showLive(state, history)
}

function onHistory(next: History): void {
  history = next
  away = false
  showNotice()
  const { times, total } = next
  for (const element of document.querySelectorAll('.span-of-range')) element.textContent = spans[next.range]
  charts.events.show(times, next.events)
  charts.tokens.show(times, next.tokens)
  charts.cost.show(times, next.cost)
  charts.utilization.show(times, next.utilization)
  charts.memory.show(times, next.memory)
  showNumber('total-events', total.events, whole)
  showNumber('total-tokens', total.tokens, short)
  showNumber('total-cost', total.cost_usd, dollars)
  showNumber('cost-per-million', total.tokens === 0 ? null : (total.cost_usd / total.tokens) * 1e6, dollars)
  showNumber('cost-per-hour', total.cost_usd / hoursOf(next), dollars)
  showModels(next)
  if (live !== undefined) showGpus(live.gpus, next)
}

/** The range that the address names, so that a link or a reload keeps it. */
function rangeOfAddress(): Range {
  const named = location.hash.slice(1)
  return rangeNames.find((name) => name === named) ?? '15m'
}

const radios = [...document.querySelectorAll<HTMLInputElement>('#ranges input')]
const check = (range: Range) => {
  for (const radio of radios) radio.checked = radio.value === range
}
check(rangeOfAddress())

const stream = new Stream(rangeOfAddress(), {
  onHello: (hello) => {
    // After an update of the processor the page that is open is an old one.
    if (version !== undefined && version !== hello.version) location.reload()
    version = hello.version
    ticks = hello.ticks
    showTicks()
  },
  onTick,
  onHistory,
  onAway: () => {
    away = true
    showNotice()
  },
  onLost: () => showStatus('lost', 'Reconnecting'),
})

for (const radio of radios) {
  radio.addEventListener('change', () => {
    const range = rangeNames.find((name) => name === radio.value)
    if (range === undefined) return
    window.history.replaceState(null, '', `#${range}`)
    stream.listenTo(range)
  })
}
window.addEventListener('hashchange', () => {
  check(rangeOfAddress())
  stream.listenTo(rangeOfAddress())
})

matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
  for (const each of Object.values(charts)) each.recolour()
})
