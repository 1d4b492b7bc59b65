/** Why something went wrong, as an error says it; of several that were tried in vain, as each of them says it. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const each = error instanceof AggregateError ? error.errors.map(reasonOf) : []
  // Where every address of a name refuses, the error itself says nothing.
  return [error.message.trim(), each.join('; ')].filter((part) => part !== '').join(': ') || error.name
}
