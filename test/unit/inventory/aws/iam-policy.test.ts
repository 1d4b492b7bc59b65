import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'

const root = join(import.meta.dirname, '../../../..')

test('the IAM policy names exactly the actions that the code uses', (t) => {
  const sources = ['inventory/aws.ts', ...globSync('inventory/aws/**/*.ts', { cwd: root })]
  const used = sources.flatMap((file) => {
    const text = readFileSync(join(root, file), 'utf8')
    const found = text.matchAll(/\bpaginate([A-Z]\w+)\(|\bnew ([A-Z]\w+)Command\(/g)
    // A file asks one service.
    const [, service] = /from '@aws-sdk\/client-(\w+)'/.exec(text) ?? []
    return [...found].map(([, paginated, sent]) => `${service}:${paginated ?? sent}`)
  })
  const policy = JSON.parse(readFileSync(join(root, 'docs/aws-iam-policy.json'), 'utf8')) as {
    Statement: { Action: string[] }[]
  }

  const permitted = new Set(policy.Statement.flatMap(({ Action }) => Action))
  t.deepEqual([...permitted].sort(), [...new Set(used)].sort())
})
