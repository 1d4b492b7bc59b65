import type { GpuState, History, LiveState, Share, ShownLetter, TopicLag, Trouble } from '../wire.ts'
import { byId, draw, make } from './elements.ts'
import { dollars, duration, percent, short, whole } from './format.ts'

/** A sample older than this is shown as old. */
const staleSeconds = 30

/** Replaces the rows only where they have changed, so that a selection or a scroll is not lost every second. */
function showIn(parent: HTMLElement, children: HTMLElement[]): void {
  const made = make('div', {}, ...children)
  if (parent.innerHTML !== made.innerHTML) parent.replaceChildren(...made.childNodes)
}

const bodyOf = (id: string): HTMLElement => {
  const body = byId(id, HTMLTableElement).tBodies[0]
  if (body === undefined) throw new TypeError(`the table ${id} has no body`)
  return body
}

/** What the history tells of each thing in its range. */
function costs({ tokens, cost_usd }: Share, hours: number): string[] {
  return [
    short(tokens / (hours * 3600)),
    tokens === 0 ? '–' : dollars((cost_usd / tokens) * 1e6),
    dollars(cost_usd / hours),
  ]
}

const cells = (texts: string[]): HTMLElement[] => texts.map((text) => make('td', {}, text))

/** How many hours of a range have passed. */
export const hoursOf = ({ from, to }: History): number => (Math.min(to, Date.now()) - from) / 3_600_000

export function showModels(history: History): void {
  const hours = hoursOf(history)
  const rows = history.models.map((share) => {
    const [rate = '', perMillion = '', perHour = ''] = costs(share, hours)
    const texts = [
      whole(share.events),
      short(share.tokens),
      rate,
      perMillion,
      perHour,
      dollars(share.cost_usd),
    ]
    return make('tr', {}, make('th', { scope: 'row' }, share.model), ...cells(texts))
  })
  showIn(bodyOf('models'), rows.length > 0 ? rows : [emptyRow(7, 'No usage in this time.')])
}

const emptyRow = (columns: number, text: string): HTMLElement =>
  make('tr', {}, make('td', { colspan: String(columns), class: 'empty left' }, text))

function meter(share: number): HTMLElement {
  const bar = draw('rect', { width: String(Math.min(1, share) * 100), height: '10' })
  const svg = draw('svg', { viewBox: '0 0 100 10', preserveAspectRatio: 'none', 'aria-hidden': 'true' }, bar)
  return make('td', {}, make('span', { class: 'meter' }, svg, percent(share)))
}

export function showGpus(gpus: GpuState[], history: History | undefined): void {
  const shares = new Map(history?.gpus.map((share) => [`${share.host ?? ''}#${share.gpu_index}`, share]))
  const hours = history === undefined ? 1 : hoursOf(history)
  const rows = gpus.map((gpu) => {
    const share = shares.get(`${gpu.host}#${gpu.gpu_index}`)
    const stale = gpu.age_seconds > staleSeconds ? { class: 'stale' } : {}
    const seen = gpu.age_seconds < 5 ? 'now' : `${duration(gpu.age_seconds)} ago`
    return make(
      'tr',
      {},
      make('th', { scope: 'row' }, `${gpu.host} #${gpu.gpu_index}`),
      make('td', { class: 'left' }, gpu.name),
      meter(gpu.utilization),
      meter(gpu.mem_total_mb === 0 ? 0 : gpu.mem_used_mb / gpu.mem_total_mb),
      ...cells([whole(gpu.power_w), dollars(gpu.price_per_hour_usd)]),
      ...cells(share === undefined ? ['–', '–', '–'] : costs(share, hours)),
      make('td', stale, seen),
    )
  })
  showIn(bodyOf('gpus'), rows.length > 0 ? rows : [emptyRow(10, 'No GPU has reported yet.')])
}

const levelOf = (lag: number): string =>
  lag === 0 ? 'none' : lag < 1000 ? 'some' : lag < 100_000 ? 'many' : 'most'

function showPartitions(topics: TopicLag[]): void {
  const rows = topics.map(({ topic, partitions }) => {
    const sum = partitions.reduce((total, { lag }) => total + lag, 0)
    const list = partitions.map(({ partition, lag }) =>
      make(
        'li',
        { 'data-level': levelOf(lag) },
        make('small', {}, make('span', { class: 'hidden' }, 'partition '), String(partition)),
        short(lag),
      ),
    )
    const title = make('h3', {}, topic, make('small', {}, `${whole(sum)} waiting`))
    return make('div', { class: 'topic' }, title, make('ol', {}, ...list))
  })
  const nothing = make('p', { class: 'empty' }, 'This processor reads no partition yet.')
  showIn(byId('partitions', HTMLElement), rows.length > 0 ? rows : [nothing])
}

const clock = (at: string): string => new Date(at).toLocaleString()

function showLetters(letters: ShownLetter[]): void {
  const entries = letters.map(({ at, topic, partition, offset, reason }) =>
    make(
      'li',
      {},
      reason,
      make('small', {}, `${clock(at)} · ${topic}, partition ${partition}, offset ${offset}`),
    ),
  )
  const nothing = make('li', { class: 'empty' }, 'None: every message could be stored.')
  showIn(byId('letters', HTMLElement), entries.length > 0 ? entries : [nothing])
}

function showTroubles(troubles: Trouble[]): void {
  const entries = troubles.map(({ at, level, message, times }) =>
    make(
      'li',
      { 'data-level': level },
      make('b', {}, level),
      ` ${message}`,
      make('small', {}, `${clock(at)}${times > 1 ? ` · ${whole(times)} times` : ''}`),
    ),
  )
  showIn(
    byId('troubles', HTMLElement),
    entries.length > 0 ? entries : [make('li', { class: 'empty' }, 'None.')],
  )
}

export function showLive(state: LiveState, history: History | undefined): void {
  showGpus(state.gpus, history)
  showPartitions(state.lag_of_topics)
  showLetters(state.letters)
  showTroubles(state.troubles)
}
