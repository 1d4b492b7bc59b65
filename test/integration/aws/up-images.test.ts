import test from 'ava'
import { amazonLinux, instancesOf, inventoryOf, startStacks } from './stack.ts'

const { relay, project } = await startStacks(test)

const ssmDenial = {
  status: 400,
  body: JSON.stringify({
    __type: 'AccessDeniedException',
    message:
      'User: arn:aws:iam::1:user/u is not authorized to perform: ssm:GetParameter on resource: arn:aws:ssm:eu-south-2::parameter/aws/service/x because no identity-based policy allows the ssm:GetParameter action',
  }),
}

test.serial(
  'images of a release are asked for by the accounts of their makers, for the processor of the type',
  async (t) => {
    const { text } = await project(t, 'eu-south-1')
    relay.asked.length = 0

    const debian = await text(['up', '--wait', '0', '--image', 'debian-12'])
    const ubuntu = await text(['up', '--wait', '0', '--image', 'ubuntu-24.04', '--type', 't4g.small'])
    const destroyed = await text(['destroy', '--yes'])

    const asked = relay.asked.filter(({ action }) => action === 'DescribeImages')
    t.deepEqual(
      asked.map(({ parameters }) => [parameters.get('Owner.1'), parameters.get('Filter.1.Value.1')]),
      [
        ['136693071363', 'debian-12-amd64-2*'],
        ['099720109477', 'ubuntu/images/*ubuntu-noble-24.04-arm64-server-*'],
      ],
    )
    t.regex(debian.stderr, /AWS_REFUSED {2}eu-south-1 has no image debian-12 for t3\.small \(x86_64\)/)
    t.is(ubuntu.exitCode, 1)
    t.is(destroyed.exitCode, 0, destroyed.stderr)
  },
)

test.serial('an image by its SSM parameter is shown as what it is now, and asked for once', async (t) => {
  const { cloud, text, up } = await project(t, 'eu-west-3', {
    image: { ssm: amazonLinux('x86_64') },
    hosts: { a: { role: 'kafka' }, b: { role: 'mongodb' } },
  })
  relay.asked.length = 0

  const planned = await text(['up', '--check'])
  const made = await up()
  const again = await up()

  const [, id] =
    /instance a[\s\S]*?image .*\/al2023-ami-kernel-6\.1-x86_64 \((ami-\w+)\)/.exec(planned.stdout) ?? []
  t.regex(id ?? planned.stdout, /^ami-/)
  t.is(made.exitCode, 0, made.stderr)
  t.deepEqual([again.exitCode, again.changed], [0, []])
  const instances = await instancesOf(cloud)
  t.deepEqual(
    instances.map(({ ImageId }) => ImageId),
    [id, id],
  )
  t.deepEqual(
    relay.asked.flatMap(({ action, region }) => (action === 'GetParameter' ? [region] : [])),
    ['eu-west-3', 'eu-west-3'],
  )
  t.is((await text(['destroy', '--yes'])).exitCode, 0)
})

test.serial(
  'a parameter of SSM that is not there, has another image or may not be read stops up at its beginning',
  async (t) => {
    const { cloud, text } = await project(t, 'eu-south-2')
    const before = await inventoryOf(cloud)
    const upWith = (name: string) => text(['up', '--wait', '0', '--image', `resolve:ssm:${name}`])

    const unknown = await upWith('/aws/service/debian/release/99/latest/amd64')
    const arm = await upWith(amazonLinux('arm64'))
    const region = await upWith('/aws/service/global-infrastructure/regions/eu-west-1/longName')
    const wrong = await upWith('debian 12')
    // The server denies in XML, where SSM speaks JSON.
    relay.intercept = ({ action }) => (action === 'GetParameter' ? ssmDenial : undefined)
    const denied = await upWith(amazonLinux('x86_64'))

    t.regex(
      unknown.stderr,
      /AWS_REFUSED {2}eu-south-2 has no SSM parameter \/aws\/service\/debian\/release\/99/,
    )
    t.regex(unknown.stderr, /do {3}correct it in aws\.up\.image .*get-parameters-by-path/)
    t.regex(
      arm.stderr,
      /AWS_REFUSED {2}eu-south-2 has no image .*arm64 for t3\.small \(x86_64\)[\s\S]*ami-\w+ is for arm64/,
    )
    t.regex(
      region.stderr,
      /AWS_REFUSED {2}the SSM parameter .* should have an ami-…, got "Europe \(Ireland\)"/,
    )
    t.regex(wrong.stderr, /USAGE {2}image\/ssm should be the name of an SSM parameter/)
    t.regex(denied.stderr, /AWS_DENIED {2}AWS does not permit ssm:GetParameter\n[\s\S]*nothing was changed/)
    t.deepEqual(
      [unknown, arm, region, wrong, denied].map(({ exitCode }) => exitCode),
      [1, 1, 1, 64, 1],
    )
    t.deepEqual(await inventoryOf(cloud), before)
  },
)
