import test from 'ava'
import { documentsOf } from '../../support/json-documents.ts'
import { Cloud } from './cloud.ts'
import { ec2Error } from './relay.ts'
import { startStacks } from './stack.ts'

const { moto, relay, project } = await startStacks(test)

const denial = ec2Error(403, 'UnauthorizedOperation', 'You are not authorized to perform this operation.')

test.serial(
  'what hosts cost now is asked in every region where they are looked for, and added up',
  async (t) => {
    const regions = ['us-west-2', 'ap-northeast-1', 'sa-east-1']
    const { text } = await project(t, 'us-west-2', {}, regions)
    for (const [index, region] of regions.slice(0, 2).entries()) {
      const cloud = new Cloud(moto.url, region)
      const image = await cloud.image('debian-12-amd64-20260102')
      await cloud.instance({ Project: 'shop', Role: 'kafka', Name: `k${index}` }, { image })
    }

    const { exitCode, stdout, stderr } = await text(['cost'])
    const { stdout: json } = await text(['cost', '--json'])
    relay.intercept = ({ action, region }) =>
      action === 'DescribeInstances' && region === 'ap-northeast-1' ? denial : undefined
    const partly = await text(['cost'])

    t.is(exitCode, 0, stderr)
    t.regex(
      stdout,
      /^plan: not known, prices are those of one region; aws\.up\.region says which of us-west-2, ap-northeast-1/m,
    )
    t.regex(stdout, /^there now in us-west-2\n.*\n {2}k0 +kafka +t3\.small \+ 8 GB gp3/m)
    t.regex(stdout, /^there now in ap-northeast-1\n.*\n {2}k1 +kafka +t3\.small \+ 8 GB gp3/m)
    t.regex(
      stdout,
      /^there now: shop in us-west-2, ap-northeast-1, sa-east-1: [\d.]+ USD an hour.*; nothing is in sa-east-1$/m,
    )
    const running = documentsOf(json, 'cost')[0]?.running
    if (running === undefined) throw new Error(json)
    t.is(running.regions.length, 3)
    t.is(
      running.hourly,
      running.regions.reduce((sum, { hourly }) => sum + hourly, 0),
    )
    t.true(running.hourly > 0)
    t.is(partly.exitCode, 0, partly.stderr)
    t.regex(partly.stdout, /^there now: shop in us-west-2, sa-east-1: [\d.]+ USD an hour/m)
    t.regex(
      partly.stdout,
      /^there now: not known, AWS does not permit ec2:DescribeInstances \(ap-northeast-1\)$/m,
    )
  },
)

test.serial('what hosts would cost is said without permission and without AWS, too', async (t) => {
  const { text } = await project(t, 'us-west-2')
  relay.intercept = () => denial
  const nowhere = { AWS_ENDPOINT_URL_EC2: 'http://127.0.0.1:1', AWS_MAX_ATTEMPTS: '1' }

  const denied = await text(['cost'])
  const unreachable = await text(['cost'], nowhere)

  for (const { exitCode, stdout, stderr } of [denied, unreachable]) {
    t.is(exitCode, 0, stderr)
    t.regex(stdout, /^plan: sluice up in us-west-2$/m)
    t.regex(stdout, /^example: four t3\.small in us-east-1: 0\.1102 USD an hour/m)
  }
  t.regex(denied.stdout, /^there now: not known, AWS does not permit ec2:DescribeInstances$/m)
  t.regex(unreachable.stdout, /^there now: not known, AWS did not answer as expected: .*ECONNREFUSED/m)
})
