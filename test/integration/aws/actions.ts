import { readFileSync } from 'node:fs'
import { join } from 'node:path'

interface IamPolicy {
  Version: string
  Statement: { Effect: string; Action: string[]; Resource: unknown; Condition?: object }[]
}

/** What the aws inventory asks. */
export const inventoryActions = [
  'DescribeImages',
  'DescribeInstances',
  'DescribeNetworkInterfaces',
  'DescribeSecurityGroups',
  'GetConsoleOutput',
  'GetManagedPrefixListEntries',
]

/** The policy that users are told to give. */
export function iamPolicy(): IamPolicy {
  return JSON.parse(readFileSync(join(import.meta.dirname, '../../../docs/aws-iam-policy.json'), 'utf8'))
}

/** The policy as the API server can judge it: it knows actions, and neither resources nor conditions. */
export function withoutConditions(): IamPolicy {
  const { Version, Statement } = iamPolicy()
  return { Version, Statement: Statement.map(({ Effect, Action }) => ({ Effect, Action, Resource: '*' })) }
}

/** Every action that the policy permits, once, without its service. */
export function permittedActions(): string[] {
  const actions = iamPolicy().Statement.flatMap(({ Action }) => Action)
  return [...new Set(actions.map((action) => action.replace(/^.*:/, '')))].sort()
}
