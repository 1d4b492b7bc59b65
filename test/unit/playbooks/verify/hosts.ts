import type { Host, Inventory } from '../../../../engine/inventory.ts'

const groups = ['kafka', 'mongodb', 'processor', 'producers']

const host = (number: number): Host => ({
  name: `vm${number}`,
  address: `10.0.1.${9 + number}`,
  port: 22,
  user: 'admin',
  hostKeys: [],
  privateAddresses: [`10.0.1.${9 + number}`, `fd77::${9 + number}`],
  groups: [groups[number - 1] ?? 'spare'],
  variables: {},
})

/** The four hosts of the pipeline, with its policy and this network of admins. */
export function fourHosts(admin: string[] = ['10.0.9.0/24', 'fd99::/64']): Inventory {
  return {
    name: 'test',
    hosts: [1, 2, 3, 4].map(host),
    variables: {},
    groupVariables: {},
    policy: {
      admin,
      rules: [
        { from: ['processor', 'producers'], to: 'kafka', port: 9092, protocol: 'tcp' },
        { from: ['processor'], to: 'mongodb', port: 27017, protocol: 'tcp' },
        { from: ['admin'], to: 'processor', port: 8080, protocol: 'tcp' },
        { from: ['admin'], to: 'all', port: 22, protocol: 'tcp' },
      ],
    },
  }
}
