import { readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { ObservationCache } from '../../../../inventory/aws/cache.ts'
import { projectFolder } from '../../../support/cli.ts'
import { instanceWith, observationWith, settingsWith } from './cloud.ts'

const observation = observationWith({ instances: [instanceWith({})] })

test('what AWS said is kept for the same settings and credentials, readable for its owner only', async (t) => {
  const folder = projectFolder(t)
  const environment = { AWS_PROFILE: 'one', HOME: '/a' }
  const cacheWith = (project: string, variables: Record<string, string> = environment) =>
    new ObservationCache(folder, settingsWith({ project }), variables)

  await cacheWith('shop').write(observation)

  t.deepEqual(await cacheWith('shop').read(), observation)
  t.deepEqual(await cacheWith('shop', { ...environment, HOME: '/b' }).read(), observation)
  t.is(await cacheWith('other').read(), undefined)
  t.is(await cacheWith('shop', { AWS_PROFILE: 'two' }).read(), undefined)
  const [file = ''] = readdirSync(join(folder, '.sluice', 'aws'))
  t.is(statSync(join(folder, '.sluice', 'aws', file)).mode & 0o777, 0o600)
})

test('what is too old, not whole or of another form is as good as nothing', async (t) => {
  const folder = projectFolder(t)
  const cache = new ObservationCache(folder, settingsWith(), {})
  await cache.write(observation)
  const path = join(folder, '.sluice', 'aws', readdirSync(join(folder, '.sluice', 'aws'))[0] ?? '')
  const readAfter = (content: string) => {
    writeFileSync(path, content)
    return cache.read()
  }

  t.is(await readAfter(JSON.stringify({ askedAt: Date.now() - 61_000, observation })), undefined)
  t.is(await readAfter('{"askedAt":'), undefined)
  t.is(await readAfter(JSON.stringify({ askedAt: Date.now(), observation: {} })), undefined)
  t.is(await new ObservationCache(folder, settingsWith({ cacheSeconds: 0 }), {}).read(), undefined)
})
