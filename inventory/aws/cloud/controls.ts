import type {
  CloudControls,
  CloudOptions,
  CloudPlan,
  CloudRemoval,
} from '../../../engine/cli/cloud-controls.ts'
import { SluiceError } from '../../../engine/errors.ts'
import { type Host, type Inventory, noPort } from '../../../engine/inventory.ts'
import { parseWith } from '../../../engine/schemas.ts'
import { findCredentials, openRegions, type RegionClient } from '../client.ts'
import { forgetHostKeys } from '../pin.ts'
import { type AwsSettings, awsSettings } from '../settings.ts'
import { RegionConnection } from './connection.ts'
import { costOf, declaredHosts, ratesOf } from './cost.ts'
import { costReport } from './cost-report.ts'
import { adminNetworks, type Declaration, declarationOf, groupsOf, readPublicKey } from './declaration.ts'
import { refuseForeign, refuseNamesakes } from './foreign.ts'
import { type Holdings, holdingsOf, identifiersIn } from './holdings.ts'
import { withImages } from './images.ts'
import { allKnown } from './lacking.ts'
import { oneRegion } from './one-region.ts'
import { type CloudParts, cloudPlaybook } from './playbook.ts'
import { RegionApi } from './region-api.ts'
import { UpSection } from './section.ts'
import { goingAway, partTag, type Stack, type Tagged, tagOf } from './stack.ts'

/** What `sluice up`, `sluice destroy` and `sluice cost` do at AWS. */
export const awsControls: CloudControls = {
  async up(options): Promise<CloudPlan> {
    const settings = settingsWith(options)
    const declaration = declarationOf(settings)
    const { admin, publicKey } = await allKnown({
      region: async () => (await opened(settings)).client.destroy(),
      admin: () => adminNetworks(settings),
      publicKey: () => readPublicKey(settings, options.projectDirectory),
      credentials: () => findCredentials(settings),
    })
    const parts = { ...declaration, groups: groupsOf(declaration, admin), publicKey, undeclared: [] }
    const { region, hosts } = await withRegion(settings, options, async (api) => {
      await refuseNamesakes(api, settings, declaration)
      const holdings = await holdingsOf(api, declaration.stack)
      const undeclared = undeclaredIn(holdings, declaration)
      if (undeclared.length > 0) {
        options.progress(`aws: not declared any more, and left alone: ${undeclared.join(', ')}`)
      }
      const staying = holdings.instances.filter(({ State }) => !goingAway.includes(State?.Name))
      const hosts = await withImages(api, declaration.hosts, names(staying, 'instance'))
      return { region: api.region, hosts }
    })
    return {
      ...runIn(region, settings, options, { ...parts, hosts }, 'up'),
      login: { name: 'aws', identityFile: settings.identityFile, publicKey: parts.publicKey },
      cost: costOf('plan', declaredHosts(declaration), ratesOf(region, settings.prices)),
    }
  },

  async down(options): Promise<CloudRemoval | undefined> {
    const settings = settingsWith(options)
    const declaration = declarationOf(settings)
    const { stack } = declaration
    const { region, holdings } = await withRegion(settings, options, async (api) => {
      const found = await holdingsOf(api, stack)
      await refuseForeign(api, stack, found)
      return { region: api.region, holdings: found }
    })
    if (identifiersIn(holdings).length === 0) return undefined
    const parts = {
      ...declaration,
      groups: foundGroups(holdings),
      publicKey: '',
      undeclared: undeclaredIn(holdings, declaration),
    }
    return {
      ...runIn(region, settings, options, parts, 'destroy'),
      summary: `what sluice up made for ${stack.name} in ${region}`,
      things: summaryOf(holdings),
      async leftovers() {
        const left = await withRegion(settings, options, (api) => goneAfter(api, stack))
        await forgetHostKeys(
          options.projectDirectory,
          holdings.instances.flatMap(({ InstanceId }) => InstanceId ?? []),
        )
        return left
      },
    }
  },

  cost: (options) => costReport(settingsWith(options), options.signal),
}

function settingsWith({ projectDirectory, wishes }: CloudOptions): AwsSettings {
  const settings = awsSettings(projectDirectory)
  const up = parseWith(
    UpSection,
    { ...settings.up, ...wishes },
    { code: 'USAGE', place: 'the command line', advice: 'sluice up --help says what can be typed' },
  )
  return { ...settings, up }
}

async function withRegion<Result>(
  settings: AwsSettings,
  { signal }: CloudOptions,
  work: (api: RegionApi) => Promise<Result>,
): Promise<Result> {
  const api = new RegionApi(await opened(settings), signal)
  try {
    return await work(api)
  } finally {
    api.close()
  }
}

async function opened(settings: AwsSettings): Promise<RegionClient> {
  const [client] = await openRegions(oneRegion(settings))
  if (client === undefined) throw new TypeError('one region is always opened')
  return client
}

function runIn(
  region: string,
  settings: AwsSettings,
  { signal }: CloudOptions,
  parts: CloudParts,
  name: string,
): Pick<CloudPlan, 'playbook' | 'inventory' | 'connect'> {
  const host: Host = {
    name: region,
    address: `ec2.${region}.amazonaws.com`,
    port: noPort,
    user: 'root',
    hostKeys: [],
    privateAddresses: [],
    groups: ['cloud'],
    variables: {},
  }
  const inventory: Inventory = {
    name: 'aws',
    hosts: [host],
    noun: 'region',
    variables: {},
    groupVariables: {},
    policy: { admin: [], rules: [] },
  }
  return {
    playbook: cloudPlaybook(name, parts),
    inventory,
    connect: async () =>
      new RegionConnection(host, new RegionApi(await opened(settings), signal), parts.stack),
  }
}

/** Instances of the stack that are not, or no more, among those declared. */
function undeclaredIn({ instances }: Holdings, { hosts }: Declaration): string[] {
  const declared = hosts.map(({ name }) => name)
  return names(instances, 'instance').filter((name) => !declared.includes(name))
}

/** The groups that there are, for their removal. */
function foundGroups({ securityGroups }: Holdings) {
  return names(securityGroups, 'security-group').map((name) => ({ name, description: name, rules: [] }))
}

function names(things: readonly Tagged[], kind: string): string[] {
  const parts = things
    .map((thing) => tagOf(thing, partTag) ?? '')
    .filter((part) => part.startsWith(`${kind} `))
  return [...new Set(parts.map((part) => part.slice(kind.length + 1)))]
}

/** What is there, for whoever is asked whether it may go. */
function summaryOf(holdings: Holdings): string[] {
  const shown = (thing: Tagged, id: string | undefined) => `${tagOf(thing, partTag) ?? 'instance'} (${id})`
  const others = identifiersIn({ ...holdings, instances: [], volumes: [] })
  return [
    ...holdings.instances.map((each) => shown(each, each.InstanceId)),
    ...(others.length > 0 ? [others.join(', ')] : []),
  ]
}

/** What still carries the tag of the stack, once AWS has had the time to forget disks of terminated instances. */
async function goneAfter(api: RegionApi, stack: Stack): Promise<string[]> {
  const patience = { what: `nothing carries the tag of ${stack.name} any more`, seconds: 60 }
  let left: string[] = []
  try {
    await api.until(patience, async () => {
      left = identifiersIn(await holdingsOf(api, stack))
      return left.length === 0 || undefined
    })
  } catch (error) {
    if (!(error instanceof SluiceError) || left.length === 0) throw error
  }
  return left
}
