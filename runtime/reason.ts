/** Why something went wrong, as an error says it. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message.trim() : String(error)
}
