import { setTimeout as sleep } from 'node:timers/promises'
import test, { type ExecutionContext } from 'ava'
import type { BrowserContextOptions, Page } from 'playwright-core'
import type { UsageDocument } from '../../../runtime/processor/documents.ts'
import { openBrowser } from '../../support/browser.ts'
import { sendTo } from '../../support/kafka-log.ts'
import { type Ground, layPipeline, type Pipeline, prepareGround } from '../../support/pipeline.ts'
import { eventually } from '../../support/programs.ts'
import { addUp } from '../../support/usage-documents.ts'

const browser = await openBrowser()
let ground: Ground

test.before(async () => {
  if (!('missing' in browser)) ground = await prepareGround()
})

test.after.always(async () => {
  if (!('missing' in browser)) await browser.close()
  await ground?.remove()
})

interface Opened {
  page: Page
  /** What the page complained about. */
  complaints: string[]
  /** Where it asked for anything. */
  asked: Set<string>
}

async function open(t: ExecutionContext, url: string, options: BrowserContextOptions = {}): Promise<Opened> {
  if ('missing' in browser) throw new TypeError(browser.missing)
  const context = await browser.newContext(options)
  t.teardown(() => context.close())
  const page = await context.newPage()
  const complaints: string[] = []
  const asked = new Set<string>()
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text())
  })
  page.on('pageerror', (error) => complaints.push(String(error)))
  page.on('request', (request) => asked.add(new URL(request.url()).origin))
  await page.goto(url)
  return { page, complaints, asked }
}

/** A test that needs a browser; where there is none it is skipped, which outside CI is no failure. */
const inBrowser = (title: string, run: (t: ExecutionContext, pipeline: Pipeline) => Promise<void>) =>
  'missing' in browser
    ? test.serial.skip(`${title} (${browser.missing})`, (t) => t.pass())
    : test.serial(title, async (t) => run(t, await layPipeline(t, ground)))

const numberIn = (page: Page, id: string) =>
  page
    .locator(`#${id}`)
    .evaluate((element) => Number((element as unknown as { value: string }).value || 'NaN'))

/** Polled from here: the page's own policy lets nothing be evaluated in it again and again. */
async function untilNumber(page: Page, id: string, wanted: number): Promise<void> {
  await eventually(`${id} is ${wanted}`, async () => (await numberIn(page, id)) === wanted)
}

const untilStatus = (page: Page, status: string) =>
  page.locator('#status-text', { hasText: new RegExp(`^${status}$`) }).waitFor({ timeout: 60_000 })

async function produce(pipeline: Pipeline, batch: number): Promise<void> {
  const producer = pipeline.startProducer({ environment: { BATCH: String(batch), SLEEP_SEC: '0.005' } })
  const { exitCode } = await producer.ended
  if (exitCode !== 0) throw new Error(`the producer ended with ${exitCode}`)
}

inBrowser('the dashboard shows what the database holds, and asks nobody else', async (t, pipeline) => {
  pipeline.startProcessor()
  await pipeline.ready()
  const { page, complaints, asked } = await open(t, pipeline.url)
  await untilStatus(page, 'Ready')
  await produce(pipeline, 150)
  const { token } = pipeline.topics
  const values = ['<img src=x onerror="document.title=1">', '{}']
  await sendTo(ground.services.bootstrap, { topic: token, partition: 0, values })

  await untilNumber(page, 'total-events', 150)

  const documents = (await pipeline.documents('token_usage')) as unknown as UsageDocument[]
  const samples = await pipeline.documents('gpu_metrics')
  const { tokens, cost_usd } = addUp(documents)
  t.is(await numberIn(page, 'total-tokens'), tokens)
  t.true(Math.abs((await numberIn(page, 'total-cost')) - Number(cost_usd)) < 1e-9)
  await untilNumber(page, 'rejected', 2)
  t.is(await page.locator('#letters li').count(), 2)
  t.true((await page.locator('#letters').innerText()).includes('not JSON'))
  const gpus = new Set(samples.map(({ host, gpu_index }) => `${host} #${gpu_index}`))
  t.deepEqual((await page.locator('#gpus tbody th').allInnerTexts()).sort(), [...gpus].sort())
  const model = await page.locator('#models tbody tr').first().innerText()
  t.regex(model, /^llama-3-70b\s+150\s/)
  await eventually(
    'all partitions are there',
    async () => (await page.locator('#partitions li').count()) === 18,
  )
  t.is(await page.locator('.uplot canvas').count(), 6)
  t.deepEqual(complaints, [])
  t.deepEqual([...asked], [pipeline.url])
  const response = await page.request.get(pipeline.url)
  t.regex(response.headers()['content-security-policy'] ?? '', /^default-src 'none'; script-src 'self';/)
})

inBrowser(
  'an open page goes on by itself after the processor was killed and started',
  async (t, pipeline) => {
    let processor = pipeline.startProcessor()
    await pipeline.ready()
    await produce(pipeline, 30)
    const { page, complaints } = await open(t, pipeline.url)
    await untilNumber(page, 'total-events', 30)
    await page.evaluate('window.sameScript = true')

    processor.kill('SIGKILL')
    await processor.ended
    await untilStatus(page, 'Reconnecting')
    processor = pipeline.startProcessor()
    await untilStatus(page, 'Ready')
    await produce(pipeline, 12)
    await untilNumber(page, 'total-events', 42)

    t.true(await page.evaluate('window.sameScript'))
    t.deepEqual(
      complaints.filter((complaint) => !/ERR_(CONNECTION|INCOMPLETE|EMPTY)/.test(complaint)),
      [],
    )
  },
)

inBrowser('everything can be reached and used by keys', async (t, pipeline) => {
  pipeline.startProcessor()
  await pipeline.ready()
  await produce(pipeline, 20)
  const { page, complaints } = await open(t, pipeline.url)
  await untilNumber(page, 'total-events', 20)
  const focused = (what: string): Promise<string> => page.evaluate(`document.activeElement.${what}`)

  await page.keyboard.press('Tab')
  t.is(await focused('textContent'), 'Skip to the numbers')
  await page.keyboard.press('Tab')
  t.is(await focused('value'), '15m')
  await page.keyboard.press('ArrowRight')
  t.is(await focused('value'), '1h')
  await page.locator('.span-of-range', { hasText: 'in 1 hour' }).first().waitFor()
  t.is(new URL(page.url()).hash, '#1h')
  await page.keyboard.press('ArrowLeft')
  await page.locator('.span-of-range', { hasText: 'in 15 minutes' }).first().waitFor()

  const chart = page.getByRole('img', { name: /^Events per second\. token usage: now / })
  await chart.focus()
  t.is(await page.locator('#chart-events .legend li').count(), 2)
  await page.keyboard.press('ArrowLeft')
  t.is(await page.locator('#chart-events .legend li').count(), 3)
  await page.keyboard.press('Escape')
  t.is(await page.locator('#chart-events .legend li').count(), 2)
  const seen = new Set<string>()
  for (let step = 0; step < 30; step += 1) {
    await page.keyboard.press('Tab')
    seen.add(
      await focused('id || document.activeElement.getAttribute("href") || document.activeElement.className'),
    )
  }
  for (const place of ['plot', 'scroll', '/metrics', '/api/openapi.json']) t.true(seen.has(place), place)
  t.deepEqual(complaints, [])
})

inBrowser('the page is readable on a phone, and in the light and the dark', async (t, pipeline) => {
  pipeline.startProcessor()
  await pipeline.ready()
  await produce(pipeline, 20)
  const backgrounds = new Set<string>()
  for (const colorScheme of ['light', 'dark'] as const) {
    const { page, complaints } = await open(t, pipeline.url, {
      viewport: { width: 360, height: 740 },
      colorScheme,
    })
    await untilNumber(page, 'total-events', 20)
    t.true(await page.evaluate<boolean>('document.documentElement.scrollWidth <= innerWidth'))
    const colours = await page.evaluate<Record<string, string>>(
      `Object.fromEntries(['page', 'card', 'text', 'soft', 'accent', 'good', 'warn', 'bad'].map((name) =>
        [name, getComputedStyle(document.documentElement).getPropertyValue('--' + name).trim()]))`,
    )
    backgrounds.add(colours.page ?? '')
    for (const name of ['text', 'soft', 'accent', 'warn', 'bad']) {
      for (const ground of ['page', 'card']) {
        const ratio = contrast(colours[name] ?? '', colours[ground] ?? '')
        t.true(ratio >= 4.5, `${name} on ${ground} in the ${colorScheme}: ${ratio.toFixed(2)}`)
      }
    }
    t.deepEqual(complaints, [])
  }
  t.is(backgrounds.size, 2)
})

inBrowser('while mongod is away the page says why, and goes on when it is back', async (t, pipeline) => {
  pipeline.startProcessor()
  await pipeline.ready()
  await produce(pipeline, 10)
  const { page, complaints } = await open(t, pipeline.url)
  await untilNumber(page, 'total-events', 10)

  await ground.services.mongodb.kill()
  await untilStatus(page, 'Not ready')
  await page.locator('#notice', { hasText: /mongodb/ }).waitFor()
  await sleep(1000)
  await ground.services.mongodb.start()
  await untilStatus(page, 'Ready')
  await produce(pipeline, 5)
  await untilNumber(page, 'total-events', 15)

  t.false(await page.locator('#notice').isVisible())
  t.regex(await page.locator('#troubles').innerText(), /mongodb/)
  t.deepEqual(complaints, [])
})

/** The ratio of WCAG 2 between two colours written as #rrggbb. */
function contrast(one: string, other: string): number {
  const [high = 0, low = 0] = [luminance(one), luminance(other)].sort((a, b) => b - a)
  return (high + 0.05) / (low + 0.05)
}

function luminance(colour: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((from) => {
    const share = Number.parseInt(colour.slice(from, from + 2), 16) / 255
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4
  })
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue
}
