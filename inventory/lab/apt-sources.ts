/** One repository as apt reads it. */
export interface AptSource {
  uris: string[]
  suites: string[]
  components: string[]
  signedBy?: string
}

/**
 * The repositories of a release among the apt sources of this machine. Sources of other vendors (their suite or
 * component has another name) are left out: hosts should be plain, and lack those vendors' keys.
 *
 * @param files path and content of each sources file, of either form
 */
export function releaseSources(
  files: readonly { path: string; content: string }[],
  suite: string,
): AptSource[] {
  const ofRelease = new Set(['', '-updates', '-security', '-backports'].map((ending) => `${suite}${ending}`))
  const all = files.flatMap(({ path, content }) =>
    path.endsWith('.sources') ? parseStanzas(content) : parseLines(content),
  )
  const seen = new Set<string>()
  return all.flatMap((source) => {
    const suites = source.suites.filter((name) => {
      const key = `${source.uris.join(' ')} ${name}`
      if (!ofRelease.has(name) || !source.components.includes('main') || seen.has(key)) return false
      seen.add(key)
      return true
    })
    return suites.length === 0 ? [] : [{ ...source, suites }]
  })
}

/** Repositories as a `.sources` file. */
export function renderSources(sources: readonly AptSource[]): string {
  return sources
    .map(({ uris, suites, components, signedBy }) =>
      [
        'Types: deb',
        `URIs: ${uris.join(' ')}`,
        `Suites: ${suites.join(' ')}`,
        `Components: ${components.join(' ')}`,
        ...(signedBy === undefined ? [] : [`Signed-By: ${signedBy}`]),
        '',
      ].join('\n'),
    )
    .join('\n')
}

function parseLines(content: string): AptSource[] {
  return content.split('\n').flatMap((line) => {
    const match = /^deb\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)\s*([^#]*)/.exec(line.trim())
    if (match === null) return []
    const [, options = '', uri = '', suite = '', components = ''] = match
    const signedBy = /(?:^|\s)signed-by=(\S+)/.exec(options)?.[1]
    return [source([uri], [suite], words(components), signedBy)]
  })
}

function parseStanzas(content: string): AptSource[] {
  return content.split(/\n\s*\n/).flatMap((stanza) => {
    const fields = new Map<string, string>()
    let last = ''
    for (const line of stanza.split('\n').filter((text) => !text.startsWith('#'))) {
      const match = /^([A-Za-z-]+):\s*(.*)$/.exec(line)
      if (match !== null) last = (match[1] ?? '').toLowerCase()
      fields.set(last, match === null ? `${fields.get(last) ?? ''}\n${line}` : (match[2] ?? ''))
    }
    const list = (name: string) => words(fields.get(name) ?? '')
    if (!list('types').includes('deb') || fields.get('enabled')?.trim() === 'no') return []
    return [source(list('uris'), list('suites'), list('components'), fields.get('signed-by')?.trimEnd())]
  })
}

function source(
  uris: string[],
  suites: string[],
  components: string[],
  signedBy: string | undefined,
): AptSource {
  return { uris, suites, components, ...(signedBy ? { signedBy } : {}) }
}

function words(text: string): string[] {
  return text.split(/\s+/).filter((word) => word !== '')
}
