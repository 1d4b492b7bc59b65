import test from 'ava'
import { CommanderError } from 'commander'
import { readOptions } from '../../../bench/converge/options.ts'

test('without words everything is measured', (t) => {
  const { hosts, latency, peers, peerHosts } = readOptions([])

  t.deepEqual({ hosts, latency, peerHosts }, { hosts: [1, 4, 16, 32], latency: [0, 50, 150], peerHosts: 16 })
  t.deepEqual(peers, ['sluice', 'ansible', 'mitogen', 'pyinfra', 'floor'])
})

test('lists are parted by commas', (t) => {
  const { hosts, latency, peers, runs } = readOptions(
    '--hosts 1,4 --runs 3 --peers sluice,floor --latency 0'.split(' '),
  )

  t.deepEqual(
    { hosts, latency, peers, runs },
    { hosts: [1, 4], latency: [0], peers: ['sluice', 'floor'], runs: 3 },
  )
})

for (const words of ['--hosts 0', '--hosts 1,,4', '--runs some', '--peers chef', '--latency -5', 'now']) {
  test(`"${words}" is refused`, (t) => {
    const said: string[] = []
    t.throws(() => readOptions(words.split(' '), (text) => said.push(text)), { instanceOf: CommanderError })
    t.regex(said.join(''), /^error: /)
  })
}
