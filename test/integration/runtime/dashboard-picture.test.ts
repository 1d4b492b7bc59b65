import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import test from 'ava'
import { openBrowser } from '../../support/browser.ts'
import { busySecond } from '../../support/busy-hosts.ts'
import { sendTo } from '../../support/kafka-log.ts'
import { layPipeline, prepareGround } from '../../support/pipeline.ts'
import { eventually } from '../../support/programs.ts'

/** The picture that README.md shows. `SLUICE_PICTURE=write` makes it anew, which takes six minutes. */
const picture = join(import.meta.dirname, '../../../docs/dashboard.png')
const writes = process.env.SLUICE_PICTURE === 'write'

const historySeconds = 15 * 60
/** What the page shows of the processor itself begins with its start. */
const liveSeconds = writes ? 5 * 60 : 10

const now = () => Math.floor(Date.now() / 1000)

/** How many of each there are once all has arrived that was sent. */
const shown = {
  '#models tbody tr': 3,
  '#gpus tbody tr': 6,
  '#letters li': 2,
  '#chart-tokens .legend li': 3,
  '#chart-cost .legend li': 3,
  '#chart-utilization .legend li': 6,
  '#chart-memory .legend li': 6,
}

const browser = await openBrowser()
const inBrowser = 'missing' in browser ? test.skip : test
const why = 'missing' in browser ? ` (${browser.missing})` : ''

inBrowser(
  `each part of the dashboard shows something of hosts with several models and GPUs${why}`,
  async (t) => {
    t.timeout((liveSeconds + 600) * 1000)
    if ('missing' in browser) throw new TypeError(browser.missing)
    t.teardown(() => browser.close())
    const ground = await prepareGround()
    t.teardown(() => ground.remove())
    const pipeline = await layPipeline(t, ground)
    pipeline.startProcessor({ HOSTNAME: 'vm3' })
    await pipeline.ready()
    const { bootstrap } = ground.services
    const send = async (seconds: number[]) => {
      const events = seconds.map(busySecond)
      const { metric, token } = pipeline.topics
      await sendTo(bootstrap, {
        topic: metric,
        partition: 0,
        values: events.flatMap(({ samples }) => samples),
      })
      await sendTo(bootstrap, { topic: token, partition: 0, values: events.flatMap(({ usages }) => usages) })
    }

    let second = now() - historySeconds
    // What passes while the history is sent belongs to it: what is live begins when all of it is there.
    while (second < now()) {
      const some = Array.from({ length: Math.min(60, now() - second) }, (_, index) => second + index)
      await send(some)
      second += some.length
    }
    const spoilt = ['{"model":"llama-3-70b","prompt_tokens":-3}', 'not JSON']
    await sendTo(bootstrap, { topic: pipeline.topics.token, partition: 3, values: spoilt })
    const context = await browser.newContext({
      viewport: { width: 1440, height: 1200 },
      colorScheme: 'light',
    })
    const page = await context.newPage()
    await page.goto(pipeline.url)
    const texts = (selector: string) => page.locator(selector).allInnerTexts()
    for (const end = second + liveSeconds; second < end; second += 1) {
      await sleep((second + 1) * 1000 - Date.now())
      await send([second])
    }
    if (writes) await page.screenshot({ path: picture })

    for (const [selector, count] of Object.entries(shown)) {
      await eventually(`${count} times ${selector}`, async () => (await texts(selector)).length === count)
    }
    await eventually('a number in each tile', async () => {
      return (await texts('.tile p')).every((text) => /\d/.test(text))
    })
    const counts = Object.keys(shown).map(async (selector) => [selector, (await texts(selector)).length])
    t.deepEqual(Object.fromEntries(await Promise.all(counts)), shown)
    if (writes) await page.screenshot({ path: picture })
  },
)
