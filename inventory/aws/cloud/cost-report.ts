import type { CostReport, CostTable } from '../../../engine/cli/cloud-controls.ts'
import { type ErrorCode, SluiceError } from '../../../engine/errors.ts'
import { openRegions, type RegionClient } from '../client.ts'
import type { AwsSettings } from '../settings.ts'
import { costOf, declaredHosts, exampleCosts, priceSource, ratesOf, sumOf } from './cost.ts'
import { declarationOf } from './declaration.ts'
import { oneRegion, severalMeant } from './one-region.ts'
import { RegionApi } from './region-api.ts'
import { runningHosts } from './running-hosts.ts'

/** What keeps AWS from saying what is there, and nobody from knowing what hosts would cost. */
const notSaid: ErrorCode[] = ['AWS_CREDENTIALS', 'AWS_DENIED', 'AWS_UNAVAILABLE']

/** What the declared hosts would cost, and what those of the project cost that are there, as far as either can be told. */
export async function costReport(settings: AwsSettings, signal: AbortSignal): Promise<CostReport> {
  const clients = await regionsPriced(settings)
  try {
    return {
      currency: 'USD',
      source: priceSource,
      examples: exampleCosts(),
      ...planned(settings, clients),
      ...(await running(settings, clients, signal)),
    }
  } finally {
    for (const { client } of clients) client.destroy()
  }
}

/** Prices need a region, and nothing else: who lacks one is not to look for credentials next. */
async function regionsPriced(settings: AwsSettings): Promise<RegionClient[]> {
  try {
    return await openRegions(settings)
  } catch (error) {
    if (!(error instanceof SluiceError)) throw error
    const { code, subject, why = '', advice = '', cause } = error
    throw new SluiceError(code, {
      subject,
      why,
      advice: `${advice}; prices need that, and no credentials`,
      cause,
    })
  }
}

function planned(
  settings: AwsSettings,
  clients: readonly RegionClient[],
): Pick<CostReport, 'plan' | 'notPlanned'> {
  if (severalMeant(settings)) {
    const regions = clients.map(({ region }) => region).join(', ')
    return { notPlanned: `prices are those of one region; aws.up.region says which of ${regions}` }
  }
  const region = oneRegion(settings).regions?.[0] ?? clients[0]?.region ?? ''
  const hosts = declaredHosts(declarationOf(settings))
  return { plan: costOf(`plan: sluice up in ${region}`, hosts, ratesOf(region, settings.prices)) }
}

/** Of every region where the inventory looks for hosts; those that do not answer are named. */
async function running(
  settings: AwsSettings,
  clients: readonly RegionClient[],
  signal: AbortSignal,
): Promise<Pick<CostReport, 'running' | 'notAsked'>> {
  const reasons = new Map<string, string[]>()
  const found = await Promise.all(
    clients.map(async (client) => {
      const { region } = client
      try {
        const hosts = await runningHosts(new RegionApi(client, signal), settings)
        return [costOf(region, hosts, ratesOf(region, settings.prices))]
      } catch (error) {
        if (!(error instanceof SluiceError) || !notSaid.includes(error.code) || signal.aborted) throw error
        const reason = summaryOf(error)
        reasons.set(reason, [...(reasons.get(reason) ?? []), region])
        return []
      }
    }),
  )
  const tables = found.flat()
  const notAsked = [...reasons].map(([reason, regions]) =>
    clients.length === 1 ? reason : `${reason} (${regions.join(', ')})`,
  )
  return {
    ...(tables.length > 0 && { running: together(settings, tables) }),
    ...(notAsked.length > 0 && { notAsked: notAsked.join('; ') }),
  }
}

function together({ project }: AwsSettings, tables: readonly CostTable[]): Required<CostReport>['running'] {
  const title = `there now: ${project} in ${tables.map(({ title }) => title).join(', ')}`
  return { ...sumOf(title, tables), regions: tables.length > 1 ? [...tables] : [] }
}

function summaryOf({ code, subject, why }: SluiceError): string {
  return code === 'AWS_UNAVAILABLE' && why !== undefined ? `${subject}: ${why}` : subject
}
