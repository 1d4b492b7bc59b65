import { draw } from './elements.ts'

const width = 120
const height = 30

/** Draws the course of the last minutes, without axes: the number stands above it. */
export function showSpark(container: HTMLElement, values: number[]): void {
  const top = Math.max(...values, 1e-9)
  const step = width / Math.max(1, values.length - 1)
  const points = values.map((value, place) => {
    const y = height - 1 - (Math.max(0, value) / top) * (height - 3)
    return `${(place * step).toFixed(1)},${y.toFixed(1)}`
  })
  const line = points.length > 1 ? `M${points.join('L')}` : ''
  const area = line === '' ? '' : `${line}L${width},${height}L0,${height}Z`
  const svg = draw(
    'svg',
    { viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: 'none', 'aria-hidden': 'true' },
    draw('path', { d: area, class: 'area' }),
    draw('path', { d: line }),
  )
  container.replaceChildren(svg)
}
