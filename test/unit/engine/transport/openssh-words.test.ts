import test from 'ava'
import { hostKeys } from '../../../../engine/transport/host-keys.ts'
import { masterWords, muxWords } from '../../../../engine/transport/openssh-words.ts'
import { localConnection } from '../../../support/local-connection.ts'

const { host } = localConnection()

function options(acceptNew: boolean) {
  const keys = hostKeys({ knownHostsFile: '/project 50%/known_hosts', acceptNew })
  return { hostKeys: keys, timeoutMs: 1500, keepAliveMs: 15_000 }
}

const place = { controlPath: '/tmp/100% mine/control', knownHostsFile: '/tmp/known', unattended: true }

test('a host with keys on record is vouched for by these alone', (t) => {
  const words = masterWords(host, place, options(true), undefined)

  t.true(words.includes('StrictHostKeyChecking=yes'))
  t.true(words.includes('UserKnownHostsFile="/tmp/known"'))
  t.true(words.includes('GlobalKnownHostsFile=/dev/null'))
})

test('a host without is refused, or recorded in the project when told so', (t) => {
  const nothing = { ...place, knownHostsFile: undefined }
  const strict = masterWords(host, nothing, options(false), undefined)
  const accepting = masterWords(host, nothing, options(true), undefined)

  t.true(strict.includes('StrictHostKeyChecking=yes'))
  t.true(accepting.includes('StrictHostKeyChecking=accept-new'))
  t.true(accepting.includes('UserKnownHostsFile="/project 50%%/known_hosts"'))
})

test('no name of a host can be taken for an option, and no path for a token', (t) => {
  const words = masterWords({ ...host, address: '-oProxyCommand=x' }, place, options(false), undefined)

  t.deepEqual(words.slice(-2), ['--', '-oProxyCommand=x'])
  t.true(words.includes('ControlPath="/tmp/100%% mine/control"'))
  t.true(muxWords(place.controlPath).includes('/tmp/100%% mine/control'))
})

test('the way through another host is a command whose words hold in a shell', (t) => {
  const words = masterWords(host, place, options(false), "/tmp/it's 1%/control")

  t.is(
    words.find((word) => word.startsWith('ProxyCommand=')),
    `ProxyCommand=ssh -F none -T -S '/tmp/it'\\''s 1%%%%/control' -o 'ProxyCommand=false' -W '[%h]:%p' -- host`,
  )
})
