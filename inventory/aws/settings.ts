import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import * as v from 'valibot'
import { readConfiguration } from '../../engine/cli/configuration.ts'
import { AccountName, Name, Port, parseWith } from '../../engine/schemas.ts'
import { PricesSection, UpSection } from './cloud/section.ts'

const Text = v.pipe(v.string(), v.nonEmpty('should not be empty'))
const Region = v.pipe(
  v.string(),
  v.regex(/^[a-z]{2}(-[a-z]+)+-\d$/, 'should be a region such as eu-central-1'),
)

/** The section `aws` of `sluice.config.json`. */
const Section = v.strictObject({
  /** Left out: the one that the AWS SDK finds (AWS_REGION, the profile). */
  regions: v.optional(v.pipe(v.array(Region), v.minLength(1, 'should name at least one region'))),
  /** Of ~/.aws/config. Left out: AWS_PROFILE, else the default one. */
  profile: v.optional(Text),
  /** The value of the project tag by which instances are found. */
  project: v.optional(Text),
  /** Other tags that an instance must carry, with their values. */
  filter: v.optional(v.record(Text, Text), {}),
  /** What the tags are called. */
  tags: v.optional(
    v.strictObject({
      project: v.optional(Text, 'Project'),
      role: v.optional(Text, 'Role'),
      name: v.optional(Text, 'Name'),
    }),
    {},
  ),
  /** What the names of tags that are variables begin with. */
  variablePrefix: v.optional(Text, 'sluice:'),
  /**
   * Where SSH goes. Left out: to the public address where there is one, else to the private one, through a bastion
   * where one runs.
   */
  address: v.optional(v.picklist(['public', 'private', 'bastion'])),
  /** Instances that others are only reached through. */
  bastion: v.optional(
    v.strictObject({
      /** The role that tells them, as the only one that they have. */
      role: v.optional(Text, 'bastion'),
      /** Left out: as for the hosts. */
      user: v.optional(AccountName),
      /** Left out: as for the hosts. */
      port: v.optional(Port),
    }),
    {},
  ),
  /** Left out: told from the image. */
  user: v.optional(AccountName),
  port: v.optional(Port, 22),
  /**
   * May begin with `~/` or be relative to the project. Left out: the private half of `up.publicKey` where it is there,
   * else the SSH agent, then the usual keys.
   */
  identityFile: v.optional(Text),
  /** How long what AWS said is taken for true, where no hosts are changed. */
  cacheSeconds: v.optional(
    v.pipe(v.number(), v.integer(), v.minValue(0, 'should be at least 0'), v.maxValue(3600)),
    60,
  ),
  /** What `sluice up` makes. */
  up: v.optional(UpSection, {}),
  /** Instead of those of the table. */
  prices: v.optional(PricesSection, {}),
})

/** The environment names that the aws inventory reads, beside those of the AWS SDK. */
export const AwsEnvironment = v.object({
  SLUICE_AWS_REGIONS: v.optional(
    v.pipe(
      v.string(),
      v.transform((text) => text.split(',').map((region) => region.trim())),
      v.array(Region),
    ),
  ),
  SLUICE_AWS_PROFILE: v.optional(v.string()),
  SLUICE_AWS_PROJECT: v.optional(v.string()),
})

/** How instances are found and reached. */
export interface AwsSettings extends v.InferOutput<typeof Section> {
  project: string
}

/**
 * The settings of the aws inventory: the section `aws` of the project's configuration, then the environment, then
 * defaults.
 *
 * @throws SluiceError USAGE when one is not as it should be
 */
export function awsSettings(
  projectDirectory: string,
  environment: Record<string, string | undefined> = process.env,
): AwsSettings {
  const section = parseWith(Section, readConfiguration(projectDirectory).aws ?? {}, {
    code: 'USAGE',
    place: `${join(projectDirectory, 'sluice.config.json')} > aws`,
    advice: 'correct the section aws of sluice.config.json; docs/aws.md shows all of it',
  })
  const set = Object.entries(environment).filter(
    ([name, value]) => name in AwsEnvironment.entries && value !== '',
  )
  const variables = parseWith(AwsEnvironment, Object.fromEntries(set), {
    code: 'USAGE',
    place: 'environment',
    advice: 'correct the variable, or unset it to have the default',
  })
  const { region } = section.up
  // What is made is to be found again.
  const regions =
    section.regions ?? variables.SLUICE_AWS_REGIONS ?? (region === undefined ? undefined : [region])
  const profile = section.profile ?? variables.SLUICE_AWS_PROFILE
  const { identityFile: named, ...rest } = section
  const identityFile =
    named === undefined
      ? privateHalf(section.up.publicKey, projectDirectory)
      : absolute(named, projectDirectory)
  return {
    ...rest,
    project: section.project ?? variables.SLUICE_AWS_PROJECT ?? 'sluice',
    ...(regions !== undefined && { regions: [...new Set(regions)] }),
    ...(profile !== undefined && { profile }),
    ...(identityFile !== undefined && { identityFile }),
  }
}

/** The filter by which instances are found, tag by tag. */
export function tagFilter({ tags, project, filter }: AwsSettings): [tag: string, value: string][] {
  return [[tags.project, project], ...Object.entries(filter)]
}

/** A name of AWS as the name of a host or a group: what may not be in one becomes `-`. */
export function nameOf(text: string): string | undefined {
  const name = text.replaceAll(/[^a-zA-Z0-9_.-]/g, '-').replace(/^[^a-zA-Z0-9]+/, '')
  return v.is(Name, name) ? name : undefined
}

/** The private key beside the public one that new instances let in: with another one nobody would get in. */
function privateHalf(publicKey: string | undefined, projectDirectory: string): string | undefined {
  if (!publicKey?.endsWith('.pub')) return undefined
  const file = absolute(publicKey.slice(0, -'.pub'.length), projectDirectory)
  return existsSync(file) ? file : undefined
}

function absolute(file: string, projectDirectory: string): string {
  return file.startsWith('~/') ? join(homedir(), file.slice(2)) : resolve(projectDirectory, file)
}
