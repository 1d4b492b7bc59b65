/** Of a line of `--machine-readable`: when, of which machine (or of none), what kind, then its values. */
const form = /^\d+,([^,]*),([a-z-]+)(?:,(.*))?$/

export interface Line {
  machine: string
  kind: string
  values: string[]
}

/** One line of what Vagrant prints with `--machine-readable`; what is not of that form comes from elsewhere. */
export function parseLine(line: string): Line | undefined {
  const [, machine, kind, values = ''] = form.exec(line) ?? []
  if (machine === undefined || kind === undefined) return undefined
  return { machine, kind, values: values.split(',').map(plain) }
}

/** What Vagrant tells a person in a line, if it tells anything, behind the name of the machine that it is about. */
export function told({ machine, kind, values: [manner, ...text] }: Line): string | undefined {
  if (kind !== 'ui' || manner === undefined) return undefined
  const name = machine === '' ? '' : `${machine}:`
  // The name may be before each of its lines already, some of which are empty.
  const lines = text.join(',').split('\n')
  const bare = lines.map((line) => line.trim().replace(/^==> /, '').replace(name, '').trim())
  const said = bare.find((line) => line !== '')
  if (said === undefined) return undefined
  return machine === '' ? said : `${machine}: ${said}`
}

/** What a person should see of all that it printed: why it ended, else what is not of that form. */
export function readable(printed: string): string {
  const lines = printed.split(/\r?\n/).map((text) => ({ text, line: parseLine(text) }))
  const ended = lines.findLast(({ line }) => line?.kind === 'error-exit')
  const [, ...why] = ended?.line?.values ?? []
  const others = lines.filter(({ line }) => line === undefined).map(({ text }) => text)
  const words = why.length > 0 ? why.join(',') : others.join('\n')
  return words.trim() === '' ? printed : words.replaceAll(/\n{2,}/g, '\n')
}

function plain(value: string): string {
  return value.replaceAll('%!(VAGRANT_COMMA)', ',').replaceAll('\\r', '').replaceAll('\\n', '\n')
}
