/** Some of the hosts: so many, or so many in a hundred. */
export type Share = { hosts: number } | { percent: number }

/** Reads `2` or `25%`; `undefined` when it is neither. */
export function parseShare(text: string): Share | undefined {
  const [, digits, percent] = /^(\d{1,5})(%?)$/.exec(text) ?? []
  if (digits === undefined) return undefined
  const number = Number(digits)
  if (percent === '') return { hosts: number }
  return number <= 100 ? { percent: number } : undefined
}

/** How many of `total` hosts that is, in whole hosts. */
export function hostsOf(share: Share, total: number): number {
  return 'hosts' in share ? share.hosts : Math.floor((share.percent * total) / 100)
}
