import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import test from 'ava'
import { openBrowser } from '../../support/browser.ts'
import { busySecond } from '../../support/busy-hosts.ts'
import { sendTo } from '../../support/kafka-log.ts'
import { layPipeline, prepareGround } from '../../support/pipeline.ts'

/** The picture that README.md shows. `SLUICE_PICTURE=write` makes it anew, which takes six minutes. */
const picture = join(import.meta.dirname, '../../../docs/dashboard.png')
const writes = process.env.SLUICE_PICTURE === 'write'

const historySeconds = 15 * 60
/** What the page shows of the processor itself begins with its start. */
const liveSeconds = writes ? 5 * 60 : 10

const browser = await openBrowser()
const inBrowser = 'missing' in browser ? test.skip : test
const why = 'missing' in browser ? ` (${browser.missing})` : ''

inBrowser(
  `each part of the dashboard shows something of hosts with several models and GPUs${why}`,
  async (t) => {
    t.timeout((liveSeconds + 240) * 1000)
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

    const began = Math.floor(Date.now() / 1000)
    for (let second = began - historySeconds; second < began; second += 60) {
      await send(Array.from({ length: 60 }, (_, index) => second + index))
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
    for (let second = began; second < began + liveSeconds; second += 1) {
      await sleep((second + 1) * 1000 - Date.now())
      await send([second])
    }
    if (writes) await page.screenshot({ path: picture })

    t.is((await texts('#models tbody tr')).length, 3)
    t.is((await texts('#gpus tbody tr')).length, 6)
    t.is((await texts('#letters li')).length, 2)
    t.deepEqual(
      (await texts('.tile p')).filter((text) => !/\d/.test(text)),
      [],
    )
    for (const chart of ['tokens', 'cost']) t.is((await texts(`#chart-${chart} .legend li`)).length, 3)
    for (const chart of ['utilization', 'memory']) t.is((await texts(`#chart-${chart} .legend li`)).length, 6)
    if (writes) await page.screenshot({ path: picture })
  },
)
