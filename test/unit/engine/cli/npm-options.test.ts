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

test('an option that npm has too, or of which it left the value, is refused with what to type', async (t) => {
  const folder = projectFolder(t)
  const answer = async (words: string[], options: Record<string, string>) =>
    (await sluice(folder, words, byNpm(options))).stderr
  const bySluice = { npm_lifecycle_event: 'sluice' }

  t.regex(
    await answer(['provision', 'lab'], { npm_config_inventory: 'true' }),
    /do {3}npm run provision -- --inventory lab$/m,
  )
  t.regex(
    await answer(['log', '1'], { ...bySluice, npm_config_last: 'true' }),
    /do {3}npm run sluice -- log --last 1$/m,
  )
  t.regex(
    await answer(['destroy'], { npm_lifecycle_event: 'destroy', npm_config_yes: 'true' }),
    /do {3}npm run destroy -- --yes$/m,
  )
  t.regex(
    await answer(['up', 'multipass'], { ...bySluice, npm_config_check: 'true' }),
    /do {3}npm run sluice -- up --check …$/m,
  )
  t.regex(
    await answer(['inventory', 'show'], { ...bySluice, npm_config_limit: 'vm1' }),
    /do {3}npm run sluice -- inventory show --limit=vm1$/m,
  )
})

test('a short option that npm has too, or takes for a switch, is refused as the long one is', async (t) => {
  const folder = projectFolder(t)
  const answer = async (words: string[], options: Record<string, string>) => {
    const { exitCode, stderr } = await sluice(folder, words, byNpm(options))
    t.is(exitCode, 64)
    return stderr
  }

  t.regex(
    await answer(['provision', 'vm1'], { npm_config_long: 'true' }),
    /do {3}npm run provision -- --limit vm1$/m,
  )
  t.regex(
    await answer(['provision', 'vm1'], { npm_config_long: 'true', npm_config_check: 'true' }),
    /do {3}npm run provision -- --check --limit vm1$/m,
  )
  t.regex(
    await answer(['provision', 'kafka'], { npm_config_t: 'true' }),
    /do {3}npm run provision -- --tags kafka$/m,
  )
  t.regex(
    await answer(['provision', 'vm1', 'aws'], { npm_config_long: 'true' }),
    /do {3}npm run provision -- --limit …$/m,
  )
})

test('of -i npm leaves only the inventory, which is refused with what to type', async (t) => {
  const folder = projectFolder(t)
  const { stderr } = await sluice(folder, ['provision', 'aws'], byNpm({}))
  const file = await sluice(folder, ['drift', 'my.yaml'], byNpm({ npm_lifecycle_event: 'sluice' }))
  const withoutNpm = await sluice(folder, ['provision', 'aws'], { npm_lifecycle_event: '' })

  t.regex(stderr, /^USAGE {2}npm took an option for itself and left its value "aws", and nothing was done$/m)
  t.regex(stderr, /do {3}npm run provision -- -i aws$/m)
  t.regex(file.stderr, /do {3}npm run sluice -- drift -i my\.yaml$/m)
  t.notRegex(withoutNpm.stderr, /npm/)
})

test('--verbose before -- is refused, and the level of messages that is set for npm is none', async (t) => {
  const folder = projectFolder(t, { '.npmrc': 'loglevel=verbose\n' })
  const elsewhere = projectFolder(t)
  const verbose = { npm_config_loglevel: 'verbose', npm_config_userconfig: '' }
  const words = ['provision', '-i', 'nowhere']

  const typed = await sluice(elsewhere, words, byNpm({ ...verbose, npm_config_local_prefix: elsewhere }))
  const configured = await sluice(folder, words, byNpm({ ...verbose, npm_config_local_prefix: folder }))
  const set = await sluice(elsewhere, words, byNpm({ ...verbose, NPM_CONFIG_LOGLEVEL: 'verbose' }))

  t.regex(typed.stderr, /do {3}npm run provision -- --verbose/)
  t.regex(configured.stderr, /"nowhere"/)
  t.regex(set.stderr, /"nowhere"/)
})

const hosts = `
groups: { edge-kafka: }
policy: { admin: [127.0.0.1], rules: [] }
hosts:
  VM-1: { address: 10.0.1.10, groups: [edge-kafka] }
`

test('a value attached to a short option is refused where it is a name that there is', async (t) => {
  const folder = projectFolder(t, { 'hosts.yaml': hosts })
  const answer = async (words: string[], taken: string, script = 'provision') => {
    const options = { npm_lifecycle_event: script, [`npm_config_${taken}`]: 'true' }
    const { exitCode, stderr } = await sluice(folder, words, options)
    t.is(exitCode, 64, stderr)
    return stderr
  }

  t.regex(await answer(['provision'], 'ilab'), /do {3}npm run provision -- -i lab$/m)
  t.regex(await answer(['drift'], 'tmongodb', 'sluice'), /do {3}npm run sluice -- drift -t mongodb$/m)
  const words = ['provision', '-i', 'hosts.yaml']
  t.regex(await answer(words, 'lvm_1'), /^USAGE {2}npm took -lVM-1 for itself/m)
  t.regex(await answer(words, 'ledge_kafka'), /do {3}npm run provision -- -l edge-kafka$/m)
})

test('settings that begin like an option of ours, of npm or of others, are no mistake', async (t) => {
  const names = [
    'legacy_peer_deps',
    'link_workspace_packages',
    'ignore_scripts',
    'tag_everything',
    'yes_always',
  ]
  const settings = Object.fromEntries(names.map((name) => [`npm_config_${name}`, 'true']))
  const folder = projectFolder(t, { 'hosts.yaml': hosts })

  const started = await sluice(folder, ['provision', '-i', 'nowhere'], byNpm(settings))
  const shown = await sluice(folder, ['inventory', 'show', '-i', 'hosts.yaml'], byNpm(settings))

  t.regex(started.stderr, /"nowhere"/)
  t.is(shown.exitCode, 0, shown.stderr)
})

test('in a clone advice is what can be typed there', async (t) => {
  const folder = projectFolder(t)
  const inClone = await sluice(folder, ['log', 'nothing'], byNpm({ npm_package_name: 'sluice' }))
  const elsewhere = await sluice(folder, ['log', 'nothing'], byNpm({ npm_package_name: 'shop' }))
  const excess = await sluice(folder, ['inventory', 'show', 'vm1'], byNpm({ npm_package_name: 'sluice' }))

  t.regex(inClone.stderr, /do {3}npm run sluice -- log shows them all$/m)
  t.regex(elsewhere.stderr, /do {3}sluice log shows them all$/m)
  t.regex(
    excess.stderr,
    /do {3}name hosts with --limit: npm run sluice -- inventory show --limit vm1, for example$/m,
  )
})

test('what is typed where it belongs, and what is set without npm, is no mistake', async (t) => {
  const own = await sluice(
    projectFolder(t),
    ['inventory', 'list', '--json'],
    byNpm({ npm_config_json: 'true' }),
  )
  const direct = await sluice(projectFolder(t), ['provision', '-i', 'nowhere'], {
    npm_lifecycle_event: '',
    npm_config_check: 'true',
  })

  t.is(own.exitCode, 0, own.stderr)
  t.regex(direct.stderr, /"nowhere"/)
})
