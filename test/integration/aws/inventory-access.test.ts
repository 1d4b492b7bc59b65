import { createHash } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import type { Inventory } from '../../../engine/inventory.ts'
import { withoutConditions } from './actions.ts'
import { Cloud } from './cloud.ts'
import { startInventories } from './found-hosts.ts'
import { ec2Error, type Interception } from './relay.ts'

const { moto, project, intercept } = await startInventories(test)

test.serial(
  'too many requests for good, a region that is not open, no network and no region are errors',
  async (t) => {
    const answers: Record<string, ReturnType<Interception>> = {
      'eu-south-1': ec2Error(400, 'OptInRequired', 'You are not subscribed to this service.'),
      'eu-south-2': ec2Error(503, 'RequestLimitExceeded', 'Request limit exceeded.'),
    }
    intercept(t, ({ region }) => answers[region])

    const refused = await project(t, { regions: ['eu-south-1'] }).show()
    const busy = await project(t, { regions: ['eu-south-2'] }).show({ AWS_MAX_ATTEMPTS: '2' })
    const silent = await project(t, {}).show({
      AWS_REGION: 'eu-north-1',
      AWS_ENDPOINT_URL_EC2: 'http://127.0.0.1:1',
      AWS_MAX_ATTEMPTS: '1',
    })
    const nowhere = await project(t, {}).show({ AWS_REGION: '', AWS_DEFAULT_REGION: '' })

    t.regex(refused.stderr, /AWS_UNAVAILABLE {2}.*\n.*eu-south-1 > DescribeInstances\n.*OptInRequired/)
    t.regex(busy.stderr, /AWS_UNAVAILABLE {2}AWS went on refusing requests/)
    t.is(busy.asked.length, 2)
    t.regex(silent.stderr, /AWS_UNAVAILABLE {2}.*\n.*eu-north-1 > DescribeInstances\n.*ECONNREFUSED/)
    t.is(nowhere.exitCode, 64)
    t.regex(
      nowhere.stderr,
      /nothing says in which region of AWS the hosts are[\s\S]*export AWS_REGION=eu-central-1/,
    )
  },
)

test.serial(
  'credentials and permissions: none, wrong ones, too few, and exactly those of the IAM policy',
  async (t) => {
    const region = 'ap-south-1'
    const cloud = new Cloud(moto.url, region)
    await cloud.instance(
      { Project: 'guarded', Role: 'kafka', Name: 'vm1' },
      { image: await cloud.image('debian-12-amd64') },
    )
    const full = withoutConditions()
    const lessConsole = structuredClone(full)
    for (const statement of lessConsole.Statement) {
      statement.Action = statement.Action.filter((action) => action !== 'ec2:GetConsoleOutput')
    }
    const [none, less, exact] = [
      await cloud.user('none', undefined),
      await cloud.user('less', JSON.stringify(lessConsole)),
      await cloud.user('exact', JSON.stringify(full)),
    ]
    await cloud.requirePermissions()
    t.teardown(() => cloud.requirePermissions(false))
    const { show } = project(t, { regions: [region], project: 'guarded' })

    const noCredentials = await show({ AWS_ACCESS_KEY_ID: '', AWS_SECRET_ACCESS_KEY: '' })
    const wrongKey = await show({ AWS_ACCESS_KEY_ID: 'AKIAIOSFODNN7EXAMPLE' })
    const wrongSecret = await show({ ...exact, AWS_SECRET_ACCESS_KEY: 'wrong' })
    const denied = await show(none)
    const deniedLater = await show(less)
    const permitted = await show(exact)

    t.regex(noCredentials.stderr, /AWS_CREDENTIALS {2}no credentials for AWS were found/)
    for (const { stderr } of [wrongKey, wrongSecret]) {
      t.regex(stderr, /AWS_CREDENTIALS {2}AWS does not take the credentials/)
    }
    t.regex(denied.stderr, /AWS_DENIED {2}AWS does not permit ec2:DescribeInstances\n {2}at {3}ap-south-1/)
    t.regex(deniedLater.stderr, /AWS_DENIED {2}AWS does not permit ec2:GetConsoleOutput/)
    t.is(permitted.exitCode, 0, permitted.stderr)
  },
)

test.serial('a profile of SSO without a session is an error that says how to log in to it', async (t) => {
  const { folder, run, show } = project(t, { regions: ['eu-central-1'], profile: 'pipeline' })
  const config = join(folder, 'config')
  const account = 'sso_account_id = 111111111111\nsso_role_name = pipeline\n'
  const session = 'sso_start_url = https://example.awsapps.com/start\nsso_region = eu-central-1\n'
  writeFileSync(
    config,
    `[profile pipeline]\nsso_session = corp\n${account}[sso-session corp]\n${session}[profile older]\n${account}${session}`,
  )
  writeFileSync(
    join(folder, 'key.pub'),
    'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl me@here',
  )
  const nobody = { AWS_ACCESS_KEY_ID: '', AWS_SECRET_ACCESS_KEY: '', AWS_CONFIG_FILE: config, HOME: folder }

  const found = [
    await show(nobody),
    await run(['up', '--admin', '203.0.113.7', '--public-key', 'key.pub'], nobody),
  ]
  // Profiles as they were written before there were sessions with names.
  writeFileSync(join(folder, 'sluice.config.json'), JSON.stringify({ inventory: 'aws' }))
  const older = await show({ ...nobody, AWS_PROFILE: 'older', AWS_REGION: 'eu-central-1' })
  const cache = join(folder, '.aws', 'sso', 'cache')
  mkdirSync(cache, { recursive: true })
  const token = { accessToken: 'a', expiresAt: '2026-01-31T12:00:00Z' }
  const name = createHash('sha1').update('https://example.awsapps.com/start').digest('hex')
  writeFileSync(join(cache, `${name}.json`), JSON.stringify(token))
  const expired = await show({ ...nobody, AWS_PROFILE: 'older', AWS_REGION: 'eu-central-1' })

  for (const { exitCode, stderr, asked } of found) {
    t.is(exitCode, 1)
    t.regex(
      stderr,
      /AWS_CREDENTIALS {2}the profile pipeline has no session with AWS, or it has expired\n[\s\S]*do {3}log in: aws sso login --profile pipeline$/m,
    )
    t.deepEqual(asked, [])
  }
  for (const { stderr } of [older, expired]) t.regex(stderr, /do {3}log in: aws sso login --profile older$/m)
  t.regex(expired.stderr, /why {2}.*The SSO session associated with this profile has expired/)
})

test.serial('a profile brings the credentials and the region', async (t) => {
  const cloud = new Cloud(moto.url, 'ca-central-1')
  await cloud.instance(
    { Project: 'profiled', Role: 'kafka', Name: 'vm1' },
    { image: await cloud.image('debian-12-amd64') },
  )
  const { folder, show } = project(t, { project: 'profiled', profile: 'pipeline' })
  const files = {
    AWS_CONFIG_FILE: join(folder, 'config'),
    AWS_SHARED_CREDENTIALS_FILE: join(folder, 'credentials'),
  }
  const nothingSet = { AWS_ACCESS_KEY_ID: '', AWS_SECRET_ACCESS_KEY: '' }
  writeFileSync(files.AWS_CONFIG_FILE, '[profile pipeline]\nregion = ca-central-1\n')
  writeFileSync(
    files.AWS_SHARED_CREDENTIALS_FILE,
    '[pipeline]\naws_access_key_id = test\naws_secret_access_key = test\n',
  )

  const found = await show({ ...nothingSet, ...files })
  const another = await show({ ...nothingSet, AWS_CONFIG_FILE: files.AWS_CONFIG_FILE })

  t.is(found.exitCode, 0, found.stderr)
  const { hosts } = JSON.parse(found.stdout) as Inventory
  t.deepEqual(
    hosts.map(({ name, groups }) => [name, groups.includes('zone_ca-central-1a')]),
    [['vm1', true]],
  )
  t.regex(another.stderr, /AWS_CREDENTIALS {2}/)
})
