import type { AwsSettings } from './settings.ts'

/** The values of the role tag, `,` or a space between them. */
export function rolesOf(tags: Record<string, string>, settings: AwsSettings): string[] {
  return (tags[settings.tags.role] ?? '').split(/[\s,]+/).filter((role) => role !== '')
}
