import { globSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type * as v from 'valibot'
import { errorCodes } from '../engine/errors.ts'
import type { Role } from '../engine/role.ts'
import { provision } from '../playbooks/provision.ts'

const root = join(import.meta.dirname, '..')

/** The reference pages, by file name: written from the code, so that they cannot say something else. */
export async function referencePages(): Promise<Record<string, string>> {
  return { 'errors.md': errorsPage(), 'resources.md': await resourcesPage(), 'roles.md': rolesPage() }
}

function errorsPage(): string {
  const rows = Object.entries(errorCodes).map(([code, meaning]) => `| \`${code}\` | ${meaning} |`)
  return page(
    'Errors',
    'Every error has a code, says what failed, where, why, and one thing to do. These are the codes.',
    ['| code | it means |', '|---|---|', ...rows],
  )
}

async function resourcesPage(): Promise<string> {
  const sections: string[] = []
  for (const file of globSync('engine/resources/*.ts', { cwd: root }).sort()) {
    const text = readFileSync(join(root, file), 'utf8')
    const exported: Record<string, unknown> = await import(pathToFileURL(join(root, file)).href)
    for (const [, comment = '', name = ''] of text.matchAll(
      /\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\nexport const (\w+) = defineResource/g,
    )) {
      const kind = exported[name] as { spec: v.GenericSchema }
      const summary = comment.replaceAll(/\n \* ?/g, ' ').trim()
      sections.push(`## ${name}`, '', summary, '', `From \`${file}\`.`, '', ...parameterTable(kind.spec), '')
    }
  }
  return page('Resources', 'What a role can declare, by kind.', sections)
}

function rolesPage(): string {
  const roles = [...new Set(provision.plays.flatMap((play) => play.roles))]
  const sections = roles.flatMap((role: Role) => {
    const groups = provision.plays
      .filter(({ roles: of }) => of.includes(role))
      .map(({ hosts }) => `\`${hosts}\``)
    const summary = `${role.description.charAt(0).toUpperCase()}${role.description.slice(1)}.`
    return [
      `## ${role.name}`,
      '',
      summary,
      `Hosts: ${groups.join(', ')}.`,
      '',
      ...parameterTable(role.params),
      '',
    ]
  })
  return page(
    'Roles',
    'What a host can be. A parameter is set as `role.parameter`: in the inventory, a vars file or `--var kafka.heapMb=512`.',
    sections,
  )
}

function page(title: string, introduction: string, body: string[]): string {
  return `# ${title}\n\n${introduction}\n\n${body.join('\n').trimEnd()}\n`
}

type AnySchema = v.GenericSchema & {
  entries?: Record<string, AnySchema>
  wrapped?: AnySchema
  default?: unknown
  pipe?: (AnySchema & { type: string; description?: string })[]
}

function parameterTable(schema: v.GenericSchema): string[] {
  const { entries, pipe } = schema as AnySchema
  const parameters = entries ?? pipe?.find((part) => part.entries !== undefined)?.entries ?? {}
  if (Object.keys(parameters).length === 0) return ['No parameters.']
  return [
    '| parameter | type | default | |',
    '|---|---|---|---|',
    ...Object.entries(parameters).map(([name, parameter]) => {
      const optional = [parameter, ...(parameter.pipe ?? [])].find(({ type }) => type === 'optional')
      const fallback =
        optional === undefined
          ? 'required'
          : optional.default === undefined
            ? ''
            : `\`${JSON.stringify(optional.default)}\``
      const described = parameter.pipe?.find(({ type }) => type === 'description')?.description ?? ''
      const type = (optional?.wrapped ?? parameter).expects.replaceAll('|', '\\|')
      return `| \`${name}\` | ${type} | ${fallback.replaceAll('|', '\\|')} | ${described} |`
    }),
  ]
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  for (const [name, text] of Object.entries(await referencePages())) {
    writeFileSync(join(import.meta.dirname, name), text)
  }
}
