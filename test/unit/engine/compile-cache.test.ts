import { execFileSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { cacheDirectory } from '../../../engine/cache-directory.ts'
import { scratch } from '../../support/resources.ts'

const program = join(import.meta.dirname, '..', '..', '..', 'sluice.ts')

const help = (environment: NodeJS.ProcessEnv) =>
  execFileSync(process.execPath, [program, '--help'], {
    env: { PATH: process.env.PATH, HOME: '/nonexistent', ...environment },
    encoding: 'utf8',
  })

test('a start keeps the code that it compiled in the cache directory', (t) => {
  const cache = scratch()

  t.regex(help({ SLUICE_CACHE: cache }), /provision/)

  t.true(readdirSync(join(cache, 'compiled'), { recursive: true }).length > 1)
})

test('a start works where nothing can be kept', (t) => {
  t.regex(help({ SLUICE_CACHE: '/dev/null' }), /provision/)
})

test('the cache directory is SLUICE_CACHE, else below XDG_CACHE_HOME when that is absolute', (t) => {
  t.is(cacheDirectory({ SLUICE_CACHE: '/own', XDG_CACHE_HOME: '/users' }), '/own')
  t.is(cacheDirectory({ XDG_CACHE_HOME: '/users' }), '/users/sluice')
  t.regex(cacheDirectory({ XDG_CACHE_HOME: 'users' }), /\/\.cache\/sluice$/)
})
