import test from 'ava'
import { SluiceError } from '../../../../../engine/errors.ts'
import { allKnown } from '../../../../../inventory/aws/cloud/lacking.ts'
import { projectFolder, sluice } from '../../../../support/cli.ts'

/** A machine of somebody who has never had to do with AWS. */
const nothingOfAws = (home: string) => ({
  HOME: home,
  AWS_REGION: '',
  AWS_DEFAULT_REGION: '',
  AWS_PROFILE: '',
  AWS_ACCESS_KEY_ID: '',
  AWS_SECRET_ACCESS_KEY: '',
  AWS_EC2_METADATA_DISABLED: 'true',
})

test('up names all that it must know and does not, with what to do about each', async (t) => {
  const folder = projectFolder(t)

  const { exitCode, stderr } = await sluice(folder, ['up', '-i', 'aws', '--check'], nothingOfAws(folder))

  t.is(exitCode, 64)
  t.regex(stderr, /^USAGE {2}4 things that must be known are missing, and nothing was begun$/m)
  t.regex(stderr, /why {2}1\. nothing says in which region of AWS/)
  t.regex(stderr, /^ {7}2\. nothing says from where the hosts may be logged in to$/m)
  t.regex(stderr, /^ {7}3\. there is no public key to let you in with: looked for /m)
  t.regex(stderr, /^ {7}4\. no credentials for AWS were found/m)
  t.regex(stderr, /do {3}1\. .*AWS_REGION=/)
  t.regex(stderr, /^ {7}2\. .*--admin 203\.0\.113\.7\/32/m)
  t.regex(stderr, /^ {7}3\. ssh-keygen/m)
  t.regex(stderr, /^ {7}4\. log in/m)
})

test('cost without a region says what to type, that it needs no credentials, and no word of the SDK', async (t) => {
  const folder = projectFolder(t)

  const without = await sluice(folder, ['cost', '-i', 'aws'], nothingOfAws(folder))
  const withOne = await sluice(folder, ['cost', '-i', 'aws'], {
    ...nothingOfAws(folder),
    AWS_REGION: 'eu-central-1',
  })

  t.is(without.exitCode, 64)
  t.regex(without.stderr, /^USAGE {2}nothing says in which region of AWS the hosts are, or are to be$/m)
  t.regex(without.stderr, /do .*"regions".*sluice\.config\.json.*export AWS_REGION=.*no credentials$/m)
  t.notRegex(without.stderr, /Region is missing/)
  t.is(withOne.exitCode, 0, withOne.stderr)
  t.regex(withOne.stdout, /^plan: sluice up in eu-central-1$/m)
})

test('one thing that is missing is an error of its own, and what is known is handed on', async (t) => {
  const missing = new SluiceError('USAGE', { subject: 'no key', advice: 'make one' })

  t.deepEqual(await allKnown({ one: () => 1, two: async () => 'two' }), { one: 1, two: 'two' })
  const error = await t.throwsAsync(
    allKnown({
      one: () => 1,
      two: () => {
        throw missing
      },
    }),
  )
  t.is(error, missing)
})

test('a mistake of our own is not taken for something that is missing', async (t) => {
  const failing = () => Promise.reject(new TypeError('x'))

  await t.throwsAsync(allKnown({ one: failing }), { instanceOf: TypeError })
})
