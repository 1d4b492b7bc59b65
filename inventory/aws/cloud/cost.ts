import type { CostItem, CostTable } from '../../../engine/cli/cloud-controls.ts'
import type { Declaration } from './declaration.ts'
import prices from './prices.json' with { type: 'json' }
import type { PricesSection } from './section.ts'

/** As many hours as AWS itself counts for a month. */
const hoursOfMonth = 730

/** What one host is made of, for its price. */
export interface Priced {
  name: string
  role: string
  type: string
  diskGb: number
  /** Whether it runs: a stopped one pays for its disk. */
  running: boolean
  publicAddress: boolean
  pricePerHour?: number | undefined
}

interface Rates {
  instanceHour: Record<string, number | undefined>
  diskGbMonth: number | undefined
  publicAddressHour: number
}

const { instanceHour: ofInstances, publicAddressHour: ofAddresses } = prices.sources

/** Where the prices come from, in one line. */
export const priceSource = `${ofInstances.from} of ${ofInstances.asOf}, addresses as of ${ofAddresses.asOf}`

interface RegionPrices {
  diskGbMonth: number
  /** By family, then by size. */
  instanceHour: Record<string, Record<string, number>>
}
const regions: Partial<Record<string, RegionPrices>> = prices.regions

/** Prices of a region, with those of the user before those of the table. */
export function ratesOf(region: string, own: PricesSection): Rates {
  const table = regions[region]
  return {
    instanceHour: { ...byType(table?.instanceHour ?? {}), ...own.instanceHour },
    diskGbMonth: own.diskGbMonth ?? table?.diskGbMonth,
    publicAddressHour: own.publicAddressHour ?? prices.publicAddressHour,
  }
}

function byType(families: RegionPrices['instanceHour']): Record<string, number> {
  const ofFamily = ([family, sizes]: [string, Record<string, number>]) =>
    Object.entries(sizes).map(([size, price]): [string, number] => [`${family}.${size}`, price])
  return Object.fromEntries(Object.entries(families).flatMap(ofFamily))
}

/** What these hosts cost, host by host and together. */
export function costOf(title: string, hosts: readonly Priced[], rates: Rates): CostTable {
  const items = hosts.map((host) => itemOf(host, rates))
  const hourly = items.reduce((sum, item) => sum + (item.hourly ?? 0), 0)
  return {
    title,
    items,
    hourly,
    monthly: hourly * hoursOfMonth,
    complete: items.every((item) => item.hourly !== undefined),
  }
}

/** What several tables come to. */
export function sumOf(title: string, tables: readonly CostTable[]): CostTable {
  const total = (of: (table: CostTable) => number) => tables.reduce((sum, table) => sum + of(table), 0)
  return {
    title,
    items: tables.flatMap(({ items }) => items),
    hourly: total(({ hourly }) => hourly),
    monthly: total(({ monthly }) => monthly),
    complete: tables.every(({ complete }) => complete),
  }
}

/** What would run if all that is declared were there. */
export function declaredHosts({ hosts }: Declaration): Priced[] {
  return hosts.map(({ name, role, type, diskGb, pricePerHour }) => ({
    name,
    role,
    type,
    diskGb,
    pricePerHour,
    running: true,
    publicAddress: true,
  }))
}

const fourHosts = [
  ['vm1', 'kafka'],
  ['vm2', 'mongodb'],
  ['vm3', 'processor'],
  ['vm4', 'producers'],
] as const

/** Two sizes to compare with, at the prices of us-east-1: the four hosts, and the same with a producer on a GPU. */
export function exampleCosts(): CostTable[] {
  const rates = ratesOf('us-east-1', { instanceHour: {} })
  const hosts = fourHosts.map(
    ([name, role]): Priced => ({
      ...{ name, role, type: 't3.small', diskGb: 16 },
      ...{ running: true, publicAddress: true },
    }),
  )
  const gpu = hosts.map((host) => (host.role === 'producers' ? { ...host, type: 'g4dn.xlarge' } : host))
  return [
    costOf('example: four t3.small in us-east-1', hosts, rates),
    costOf('example: the same with a GPU, vm4 on g4dn.xlarge', gpu, rates),
  ]
}

function itemOf(
  { name, role, type, diskGb, running, publicAddress, pricePerHour }: Priced,
  rates: Rates,
): CostItem {
  const ofType = pricePerHour ?? rates.instanceHour[type]
  const ofDisk = rates.diskGbMonth === undefined ? undefined : (rates.diskGbMonth * diskGb) / hoursOfMonth
  const parts = [...(running ? [ofType] : []), ofDisk, ...(publicAddress ? [rates.publicAddressHour] : [])]
  const what = [
    `${type}${running ? '' : ' (stopped)'}`,
    `${diskGb} GB gp3`,
    ...(publicAddress ? ['public IPv4'] : []),
  ].join(' + ')
  const known = parts.filter((part) => part !== undefined)
  const hourly = known.length < parts.length ? undefined : known.reduce((sum, part) => sum + part, 0)
  return { name, role, what, hourly }
}
