import { SluiceError } from '../../engine/errors.ts'

/** Settings by section, then by key in small letters. */
export type ConfigurationText = Map<string, Map<string, string>>

/** Whose settings are those of every other section too. */
const sectionOfAll = 'DEFAULT'

/**
 * Reads the text of an `ansible.cfg` as Ansible has Python's configparser read it: comments are lines that begin with
 * `#` or `;`, and what follows a `;` after a space; a line that is indented deeper goes on with the value before it.
 *
 * @throws SluiceError INVENTORY_INVALID with the line
 */
export function readConfigurationText(path: string, text: string): ConfigurationText {
  const sections = new Map<string, Map<string, string[]>>([[sectionOfAll, new Map()]])
  let section: Map<string, string[]> | undefined
  let value: string[] | undefined
  let indent = 0
  text.split('\n').forEach((line, index) => {
    const wrong = (subject: string) => invalid(`${path}:${index + 1}`, subject)
    const { content, hasComment } = withoutComment(line)
    if (content === '') {
      if (!hasComment) value?.push('')
      return
    }
    const depth = line.length - line.trimStart().length
    if (value !== undefined && depth > indent) {
      value.push(content)
      return
    }
    indent = depth
    const [, header] = /^\[(.+)\]/.exec(content) ?? []
    if (header !== undefined) {
      if (header !== sectionOfAll && sections.has(header)) throw wrong(`[${header}] is there twice`)
      section = sections.get(header) ?? new Map()
      sections.set(header, section)
      value = undefined
      return
    }
    if (section === undefined)
      throw wrong(`before the first section there should be nothing, got "${content}"`)
    const [, name = '', first = ''] = /^(.*?)\s*[=:]\s*(.*)$/.exec(content) ?? []
    const key = name.toLowerCase()
    if (key === '') throw wrong(`should be name = value, got "${content}"`)
    if (section.has(key)) throw wrong(`${key} is there twice`)
    value = [first.trim()]
    section.set(key, value)
  })
  return withThoseOfAll(sections)
}

function withoutComment(line: string): { content: string; hasComment: boolean } {
  if (/^\s*[#;]/.test(line)) return { content: '', hasComment: true }
  const at = line.search(/(?<=\s);/)
  return { content: (at < 0 ? line : line.slice(0, at)).trim(), hasComment: at >= 0 }
}

function withThoseOfAll(sections: ReadonlyMap<string, ReadonlyMap<string, string[]>>): ConfigurationText {
  const ofAll = sections.get(sectionOfAll) ?? new Map<string, string[]>()
  return new Map(
    [...sections]
      .filter(([name]) => name !== sectionOfAll)
      .map(([name, own]) => [
        name,
        new Map([...ofAll, ...own].map(([key, lines]) => [key, lines.join('\n').trimEnd()])),
      ]),
  )
}

function invalid(at: string, subject: string): SluiceError {
  return new SluiceError('INVENTORY_INVALID', {
    subject,
    at,
    advice: 'correct the file; ansible-config dump --only-changed shows how Ansible reads it',
  })
}
