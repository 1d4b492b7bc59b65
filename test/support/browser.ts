import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { promisify } from 'node:util'
import { type Browser, chromium } from 'playwright-core'

const places = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']

const install = 'apt-get install --no-install-recommends chromium'

/**
 * Starts the machine's own Chromium, installing it first where that is possible. Returns why not where there is none;
 * in CI that is an error, so that these tests cannot go missing unseen.
 */
export async function openBrowser(): Promise<Browser | string> {
  let executablePath = places.find((place) => existsSync(place))
  if (executablePath === undefined && process.getuid?.() === 0) {
    const why = await installed()
    if (why !== undefined) return missing(`${install}: ${why}`)
    executablePath = places.find((place) => existsSync(place))
  }
  if (executablePath === undefined) return missing(`run as root: ${install}`)
  return chromium.launch({
    executablePath,
    args: [
      // Chromium refuses to run as root inside its own sandbox.
      ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
      ...['--disable-gpu', '--disable-quic', '--no-first-run', '--disable-sync'],
      // It otherwise asks for things elsewhere, which not every machine lets it.
      ...['--disable-background-networking', '--disable-component-update'],
    ],
  })
}

function missing(how: string): string {
  const why = `there is no Chromium on this machine; ${how}`
  if (process.env.CI === 'true') throw new Error(why)
  return why
}

async function installed(): Promise<string | undefined> {
  try {
    await promisify(execFile)('apt-get', ['install', '--yes', '--no-install-recommends', 'chromium'], {
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    })
    return undefined
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}
