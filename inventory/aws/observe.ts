import {
  type EC2Client,
  type Filter,
  paginateDescribeImages,
  paginateDescribeInstances,
  paginateDescribeNetworkInterfaces,
  paginateDescribeSecurityGroups,
  paginateGetManagedPrefixListEntries,
} from '@aws-sdk/client-ec2'
import { addressesOf, ingressRuleOf, instanceOf } from './answers.ts'
import { openRegions, type RegionClient } from './client.ts'
import type { Instance, Observation, SecurityGroup } from './observation.ts'
import { allOf } from './pages.ts'
import { type AwsSettings, tagFilter } from './settings.ts'

const pageSize = 100
/** As many values a filter may have. */
const mostValues = 200

/**
 * Asks AWS for everything that the inventory and its policy are made of; changes nothing.
 *
 * @throws SluiceError AWS_CREDENTIALS, AWS_DENIED, AWS_UNAVAILABLE, USAGE
 */
export async function observe(settings: AwsSettings, signal?: AbortSignal): Promise<Observation> {
  const regions = await openRegions(settings)
  try {
    const parts = await Promise.all(
      regions.map((region) => new RegionView(region, signal).observation(settings)),
    )
    return {
      regions: parts.flatMap((part) => part.regions),
      instances: parts.flatMap((part) => part.instances),
      seen: parts.flatMap((part) => part.seen),
      securityGroups: parts.flatMap((part) => part.securityGroups),
      members: Object.assign({}, ...parts.map((part) => part.members)),
      prefixLists: Object.assign({}, ...parts.map((part) => part.prefixLists)),
      images: Object.assign({}, ...parts.map((part) => part.images)),
    }
  } finally {
    for (const { client } of regions) client.destroy()
  }
}

class RegionView {
  readonly #region: string
  readonly #client: EC2Client
  readonly #profile: string | undefined
  readonly #signal: AbortSignal | undefined

  constructor({ region, client, profile }: RegionClient, signal: AbortSignal | undefined) {
    this.#region = region
    this.#client = client
    this.#profile = profile
    this.#signal = signal
  }

  async observation(settings: AwsSettings): Promise<Observation> {
    const filters = tagFilter(settings).map(([tag, value]) => ({ Name: `tag:${tag}`, Values: [value] }))
    const instances = await this.#instances(filters)
    const attached = instances.flatMap(({ interfaces }) => interfaces.flatMap((each) => each.securityGroups))
    const own = await this.#securityGroups(attached)
    const rules = own.flatMap(({ ingress }) => ingress)
    const referred = rules.flatMap(({ groups }) => groups.map(({ id }) => id))
    const [seen, others, members, prefixLists, images] = await Promise.all([
      instances.length === 0 ? this.#instances([]) : [],
      this.#securityGroups(referred.filter((id) => !own.some((group) => group.id === id))),
      this.#members(referred),
      this.#prefixLists(rules.flatMap((rule) => rule.prefixLists)),
      settings.user === undefined ? this.#images(instances.map(({ image }) => image)) : {},
    ])
    return {
      regions: [this.#region],
      instances,
      seen: seen.map((instance) => summaryOf(instance, settings)),
      securityGroups: [...own, ...others],
      members,
      prefixLists,
      images,
    }
  }

  async #instances(filters: Filter[]): Promise<Instance[]> {
    const found = await this.#all(
      'DescribeInstances',
      paginateDescribeInstances(
        this.#paging(),
        { ...(filters.length > 0 && { Filters: filters }) },
        this.#sending(),
      ),
      (page) => page.Reservations?.flatMap((reservation) => reservation.Instances ?? []),
    )
    return found.map((instance) => instanceOf(instance, this.#region))
  }

  async #securityGroups(ids: readonly string[]): Promise<SecurityGroup[]> {
    const found = await this.#byIdentifier(ids, (Values) =>
      this.#all(
        'DescribeSecurityGroups',
        paginateDescribeSecurityGroups(
          this.#paging(),
          { Filters: [{ Name: 'group-id', Values }] },
          this.#sending(),
        ),
        (page) => page.SecurityGroups,
      ),
    )
    return found.map(({ GroupId = '', GroupName = '', OwnerId = '', IpPermissions = [] }) => ({
      id: GroupId,
      name: GroupName,
      account: OwnerId,
      ingress: IpPermissions.map(ingressRuleOf),
    }))
  }

  async #members(groups: readonly string[]): Promise<Record<string, string[]>> {
    const interfaces = await this.#byIdentifier(groups, (Values) =>
      this.#all(
        'DescribeNetworkInterfaces',
        paginateDescribeNetworkInterfaces(
          this.#paging(),
          { Filters: [{ Name: 'group-id', Values }] },
          this.#sending(),
        ),
        (page) => page.NetworkInterfaces,
      ),
    )
    const members = [...new Set(groups)].map((id) => {
      const inGroup = interfaces.filter(({ Groups = [] }) => Groups.some(({ GroupId }) => GroupId === id))
      return [id, [...new Set(inGroup.flatMap(addressesOf))]]
    })
    return Object.fromEntries(members)
  }

  async #prefixLists(ids: readonly string[]): Promise<Record<string, string[]>> {
    const lists = [...new Set(ids)].map(async (PrefixListId) => {
      const entries = await this.#all(
        'GetManagedPrefixListEntries',
        paginateGetManagedPrefixListEntries(this.#paging(), { PrefixListId }, this.#sending()),
        (page) => page.Entries,
      )
      return [PrefixListId, entries.flatMap(({ Cidr }) => (Cidr === undefined ? [] : [Cidr]))] as const
    })
    return Object.fromEntries(await Promise.all(lists))
  }

  /** An image that is gone or not ours to see is not in the answer. */
  async #images(ids: readonly string[]): Promise<Record<string, string>> {
    const found = await this.#byIdentifier(ids, (Values) =>
      this.#all(
        'DescribeImages',
        paginateDescribeImages(
          this.#paging(),
          { Filters: [{ Name: 'image-id', Values }], IncludeDeprecated: true },
          this.#sending(),
        ),
        (page) => page.Images,
      ),
    )
    return Object.fromEntries(found.map(({ ImageId = '', Name = '' }) => [ImageId, Name]))
  }

  #paging() {
    return { client: this.#client, pageSize }
  }

  #sending() {
    return this.#signal === undefined ? {} : { abortSignal: this.#signal }
  }

  async #byIdentifier<Item>(
    ids: readonly string[],
    ask: (values: string[]) => Promise<Item[]>,
  ): Promise<Item[]> {
    const unique = [...new Set(ids)].sort()
    const chunks = Array.from({ length: Math.ceil(unique.length / mostValues) }, (_, index) =>
      unique.slice(index * mostValues, (index + 1) * mostValues),
    )
    return (await Promise.all(chunks.map(ask))).flat()
  }

  #all<Page, Item>(
    action: string,
    pages: AsyncIterable<Page>,
    itemsOf: (page: Page) => Item[] | undefined,
  ): Promise<Item[]> {
    return allOf(pages, itemsOf, { action, region: this.#region, profile: this.#profile })
  }
}

/** An instance in one line: what tells why it does not match. */
function summaryOf({ id, state, tags, region }: Instance, settings: AwsSettings): string {
  const names = [settings.tags.name, settings.tags.role, ...tagFilter(settings).map(([tag]) => tag)]
  const shown = [...new Set(names)].flatMap((tag) => (tags[tag] === undefined ? [] : `${tag}=${tags[tag]}`))
  return `${id} in ${region}, ${state}, ${shown.join(' ') || 'none of the tags'}`
}
