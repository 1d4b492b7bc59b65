import type { ExecutionContext, TestFn } from 'ava'
import { projectFolder, sluice } from '../../support/cli.ts'
import { environment, startCloudApi } from './cloud-api.ts'
import type { Interception, Relay } from './relay.ts'

/** A real host key of the kind ed25519. */
export const hostKey = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl'

export const consoleText = `-----BEGIN SSH HOST KEY KEYS-----\n${hostKey} root@host\n-----END SSH HOST KEY KEYS-----\n`

/** An API of a test file's own, and projects that look for their hosts there. */
export async function startInventories(test: TestFn) {
  const { moto, relay } = await startCloudApi(test)
  return {
    moto,
    project: (t: ExecutionContext, aws: object) => makeProject(relay, t, aws),
    intercept: (t: ExecutionContext, interception: Interception) => interceptDuring(relay, t, interception),
  }
}

/** A project that looks for its hosts in these regions, by way of the relay. */
function makeProject(relay: Relay, t: ExecutionContext, aws: object) {
  const folder = projectFolder(t, { 'sluice.config.json': JSON.stringify({ inventory: 'aws', aws }) })
  const run = async (words: string[], more: Record<string, string> = {}) => {
    const before = relay.asked.length
    const result = await sluice(folder, words, {
      AWS_ENDPOINT_URL_EC2: relay.url,
      ...environment,
      ...more,
    })
    const asked = relay.asked.slice(before).map(({ action }) => action)
    return { ...result, asked }
  }
  const show = (more: Record<string, string> = {}, words: string[] = []) =>
    run(['inventory', 'show', '--json', ...words], more)
  return { folder, run, show }
}

/** Answers in the place of the server until the test ends. */
function interceptDuring(relay: Relay, t: ExecutionContext, interception: Interception): void {
  relay.intercept = interception
  t.teardown(() => {
    relay.intercept = () => undefined
  })
}
