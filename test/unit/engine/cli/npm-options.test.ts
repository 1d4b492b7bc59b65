import test from 'ava'
import { projectFolder, sluice } from '../../../support/cli.ts'

const byNpm = (options: Record<string, string>) => ({ npm_lifecycle_event: 'provision', ...options })

test('an option that npm took for itself is refused before anything is done, with what to type', async (t) => {
  const { exitCode, stderr } = await sluice(
    projectFolder(t),
    ['provision'],
    byNpm({ npm_config_check: 'true', npm_config_start_at: 'kafka' }),
  )

  t.is(exitCode, 64)
  t.regex(stderr, /^USAGE {2}npm took --check --start-at=kafka for itself, and nothing was done$/m)
  t.regex(stderr, /do +npm run provision -- --check --start-at=kafka$/m)
})

test('in a clone advice is what can be typed there', async (t) => {
  const folder = projectFolder(t)
  const inClone = await sluice(folder, ['log', 'nothing'], byNpm({ npm_package_name: 'sluice' }))
  const elsewhere = await sluice(folder, ['log', 'nothing'], byNpm({ npm_package_name: 'shop' }))
  const excess = await sluice(folder, ['provision', 'vm1'], byNpm({ npm_package_name: 'sluice' }))
  const bySluice = { npm_lifecycle_event: 'sluice', npm_package_name: 'sluice' }
  const other = await sluice(folder, ['inventory', 'show', 'vm1'], bySluice)
  const taken = await sluice(folder, ['inventory', 'show'], { ...bySluice, npm_config_limit: 'vm1' })

  t.regex(inClone.stderr, /do {3}npm run sluice -- log shows them all$/m)
  t.regex(elsewhere.stderr, /do {3}sluice log shows them all$/m)
  t.regex(excess.stderr, /do {3}name hosts with --limit, .*: npm run provision -- --limit vm1, for example$/m)
  t.regex(
    other.stderr,
    /do {3}name hosts with --limit: npm run sluice -- provision --limit vm1, for example$/m,
  )
  t.regex(taken.stderr, /do {3}npm run sluice -- inventory show --limit=vm1$/m)
})

test('what npm has of its own, and what is set without npm, is no mistake', async (t) => {
  const own = await sluice(projectFolder(t), ['inventory', 'list'], byNpm({ npm_config_json: 'true' }))
  const direct = await sluice(projectFolder(t), ['provision', '-i', 'nowhere'], {
    npm_lifecycle_event: '',
    npm_config_check: 'true',
  })

  t.is(own.exitCode, 0, own.stderr)
  t.regex(direct.stderr, /"nowhere"/)
})
