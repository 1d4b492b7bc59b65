import { Agent, get } from 'node:http'

const everyMs = 20
/** Who has not answered by then is taken to have needed that long. */
const longestMs = 5000

/** Asks a URL all the time, whether or not the former question was answered yet; `stop` gives what each answer took. */
export function probeHealth(url: string): { stop(): number[] } {
  const agent = new Agent({ keepAlive: true, maxSockets: 8 })
  const took: number[] = []
  const open = new Set<number>()
  const ask = () => {
    const askedAt = performance.now()
    open.add(askedAt)
    const answered = () => {
      if (!open.delete(askedAt)) return
      took.push(Math.min(longestMs, performance.now() - askedAt))
    }
    const request = get(url, { agent, timeout: longestMs }, (response) => {
      response.resume().once('end', answered)
    })
    request.once('timeout', () => request.destroy())
    // No answer at all counts as one that took the longest.
    request.once('error', () => {
      if (open.delete(askedAt)) took.push(longestMs)
    })
  }
  const timer = setInterval(ask, everyMs)
  return {
    stop() {
      clearInterval(timer)
      const now = performance.now()
      for (const askedAt of open) took.push(Math.min(longestMs, now - askedAt))
      open.clear()
      agent.destroy()
      return took
    },
  }
}
