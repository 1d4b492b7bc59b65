import { parseDocument, type ScalarTag, type Tags } from 'yaml'
import { reasonOf } from '../../engine/errors.ts'

/** What a vault holds, and what must not be taken for an expression, are texts. */
const ownTags: ScalarTag[] = ['!vault', '!vault-encrypted', '!unsafe'].map((tag) => ({
  tag,
  resolve: (text: string) => text,
}))

/** Python's YAML takes `y` and `n` for what they are. */
const booleans: ScalarTag = {
  default: true,
  tag: 'tag:yaml.org,2002:bool',
  test: /^(?:[Yy]es|YES|[Nn]o|NO|[Tt]rue|TRUE|[Ff]alse|FALSE|[Oo]n|ON|[Oo]ff|OFF)$/,
  resolve: (text) => /^(?:yes|true|on)$/i.test(text),
}

/** It wants a point and a sign, too. */
const exponents: ScalarTag = {
  default: true,
  tag: 'tag:yaml.org,2002:float',
  test: /^[-+]?(?:[0-9][0-9_]*)?\.[0-9_]*[eE][-+][0-9]+$/,
  resolve: (text) => Number(text.replaceAll('_', '')),
}

const replaced = (tag: Tags[number]): boolean =>
  typeof tag === 'object' &&
  (tag.tag === booleans.tag ||
    tag.tag === 'tag:yaml.org,2002:timestamp' ||
    ('format' in tag && tag.tag === exponents.tag && tag.format === 'EXP'))

/**
 * A text as Ansible reads it: JSON, else YAML of version 1.1, where "yes" is true, and of two keys of one name the later
 * one counts. Dates stay as they are written.
 */
export function parseYaml(text: string): { content: unknown; mistake?: string } {
  try {
    return { content: JSON.parse(text) }
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
  }
  const document = parseDocument(text, {
    version: '1.1',
    logLevel: 'silent',
    uniqueKeys: false,
    customTags: (tags) => [...ownTags, booleans, exponents, ...tags.filter((tag) => !replaced(tag))],
  })
  const [error] = document.errors
  if (error !== undefined) return { content: undefined, mistake: error.message }
  try {
    return { content: document.toJS() }
  } catch (cause) {
    // Such as an alias of what is nowhere: only now is it looked for.
    return { content: undefined, mistake: reasonOf(cause) }
  }
}
