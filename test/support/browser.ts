import { type Browser, chromium } from 'playwright-core'
import { debianProgram } from './debian-program.ts'

/** Starts the machine's own Chromium, or says why it cannot. */
export async function openBrowser(): Promise<Browser | { missing: string }> {
  const found = await debianProgram('chromium', ['/usr/bin/chromium', '/usr/bin/google-chrome'])
  if ('missing' in found) return found
  return chromium.launch({
    executablePath: found.path,
    args: [
      // Chromium refuses to run as root inside its own sandbox.
      ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
      ...['--disable-gpu', '--disable-quic', '--no-first-run', '--disable-sync'],
      // It otherwise asks for things elsewhere, which not every machine lets it.
      ...['--disable-background-networking', '--disable-component-update'],
    ],
  })
}
