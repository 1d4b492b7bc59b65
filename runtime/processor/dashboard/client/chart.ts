import uPlot from 'uplot'
import type { Line } from '../wire.ts'
import { make } from './elements.ts'

const plotHeight = 190
const colours = 7

/** What a chart is of, and how its numbers are written. */
export interface ChartOptions {
  title: string
  write: (value: number) => string
  /** How the numbers beside the chart are written. */
  writeAxis: (value: number) => string
  /** The top of the scale, where it is known. */
  top?: number
  /** The scale ends no lower, so that nothing looks like much. */
  leastTop: number
  /** What is said where there is nothing to draw. */
  nothing: string
}

/** A chart in a figure: lines over time, a legend with the values under the cursor, and keys to move that cursor. */
export class Chart {
  readonly #options: ChartOptions
  readonly #box = make('div', { class: 'plot', tabindex: '0', role: 'img' })
  readonly #legend = make('ul', { class: 'legend' })
  #plot: uPlot | undefined
  #names = ''
  #times: number[] = []
  #lines: Line[] = []

  constructor(figure: HTMLElement, options: ChartOptions) {
    this.#options = options
    figure.append(this.#box, this.#legend)
    new ResizeObserver(() => this.#fit()).observe(this.#box)
    this.#box.addEventListener('keydown', (event) => this.#onKey(event))
    this.#box.addEventListener('blur', () => this.#point(null))
  }

  show(times: number[], lines: Line[]): void {
    this.#times = times
    this.#lines = lines
    const names = lines.map(({ name }) => name).join('\n')
    const content: uPlot.AlignedData = [times, ...lines.map(({ values }) => values)]
    if (this.#plot === undefined || names !== this.#names) this.#build(content)
    else this.#plot.setData(content)
    this.#names = names
    this.#box.setAttribute('aria-label', this.#summary())
    this.#showLegend(this.#plot?.cursor.idx ?? null)
  }

  /** Draws anew, in the colours that are in force now. */
  recolour(): void {
    if (this.#plot !== undefined) this.#build([this.#times, ...this.#lines.map(({ values }) => values)])
  }

  #build(content: uPlot.AlignedData): void {
    this.#plot?.destroy()
    const colour = (name: string) => getComputedStyle(document.documentElement).getPropertyValue(name).trim()
    const { top, leastTop, writeAxis } = this.#options
    const axis = {
      stroke: colour('--soft'),
      grid: { stroke: colour('--grid'), width: 1 },
      ticks: { show: false },
      font: '12px system-ui, sans-serif',
    }
    this.#plot = new uPlot(
      {
        width: Math.max(200, this.#box.clientWidth),
        height: plotHeight,
        legend: { show: false },
        padding: [10, 8, 0, 0],
        cursor: { y: false, points: { size: 7 }, drag: { x: false, y: false } },
        scales: {
          y: { range: (_, __, max) => [0, top ?? Math.max(max * 1.12, leastTop)] },
        },
        axes: [
          { ...axis, size: 30, space: 70, values: timeLabels },
          { ...axis, size: 56, values: (_, splits) => splits.map(writeAxis) },
        ],
        series: [
          {},
          ...this.#lines.map(({ name }, place) => ({
            label: name,
            stroke: colour(`--series-${(place % colours) + 1}`),
            width: 1.8,
            points: { show: false },
            ...(this.#lines.length === 1 ? { fill: `${colour('--series-1')}22` } : {}),
          })),
        ],
        hooks: { setCursor: [({ cursor }) => this.#showLegend(cursor.idx ?? null)] },
      },
      content,
      this.#box,
    )
  }

  #fit(): void {
    const width = this.#box.clientWidth
    if (this.#plot !== undefined && width > 0 && width !== this.#plot.width) {
      this.#plot.setSize({ width, height: plotHeight })
    }
  }

  #showLegend(place: number | null): void {
    if (this.#lines.length === 0) {
      this.#legend.replaceChildren(make('li', {}, this.#options.nothing))
      return
    }
    const at = place ?? this.#times.length - 1
    const time = this.#times[at]
    const entries = this.#lines.map(({ name, values }, line) => {
      const value = values[at] ?? null
      const mark = make('i')
      mark.style.background = `var(--series-${(line % colours) + 1})`
      return make(
        'li',
        {},
        mark,
        `${name} `,
        make('b', {}, value === null ? '–' : this.#options.write(value)),
      )
    })
    const when =
      place === null || time === undefined ? [] : [make('li', {}, new Date(time * 1000).toLocaleString())]
    this.#legend.replaceChildren(...entries, ...when)
  }

  /** What the chart shows, in words. */
  #summary(): string {
    const parts = this.#lines.map(({ name, values }) => {
      const known = values.filter((value) => value !== null)
      const last = known.at(-1)
      if (last === undefined) return `${name}: no values`
      const { write } = this.#options
      return `${name}: now ${write(last)}, lowest ${write(Math.min(...known))}, highest ${write(Math.max(...known))}`
    })
    const what = parts.length === 0 ? this.#options.nothing : parts.join('; ')
    return `${this.#options.title}. ${what}. The arrow keys move through the values.`
  }

  #onKey(event: KeyboardEvent): void {
    const last = this.#times.length - 1
    const now = this.#plot?.cursor.idx ?? last
    const steps: Record<string, number | null> = {
      ArrowLeft: Math.max(0, now - 1),
      ArrowRight: Math.min(last, now + 1),
      Home: 0,
      End: last,
      Escape: null,
    }
    const next = steps[event.key]
    if (next === undefined || last < 0) return
    event.preventDefault()
    this.#point(next)
  }

  #point(place: number | null): void {
    const plot = this.#plot
    if (plot === undefined) return
    const time = place === null ? undefined : this.#times[place]
    const left = time === undefined ? -10 : plot.valToPos(time, 'x')
    plot.setCursor({ left, top: time === undefined ? -10 : 10 })
    this.#box.setAttribute('aria-label', time === undefined ? this.#summary() : this.#legend.innerText)
  }
}

/** Times as the reader's clock has them: with a date where the day changes. */
function timeLabels(_: uPlot, splits: number[], __: number, ___: number, step: number): string[] {
  let day = ''
  return splits.map((split) => {
    const date = new Date(split * 1000)
    const today = date.toLocaleDateString('en', { month: 'short', day: 'numeric' })
    const time = date.toLocaleTimeString('en', {
      hour: '2-digit',
      minute: '2-digit',
      hourCycle: 'h23',
      ...(step < 60 ? { second: '2-digit' } : {}),
    })
    const changed = day !== '' && today !== day
    day = today
    return step >= 86_400 ? today : changed ? `${today}` : time
  })
}
