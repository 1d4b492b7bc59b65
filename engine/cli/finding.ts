/** One line of `doctor`. */
export interface Finding {
  subject: string
  state: 'ok' | 'problem'
  found: string
  /** What to do about a problem. */
  advice?: string
}
