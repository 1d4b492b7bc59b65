import { globSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type * as v from 'valibot'
import {
  CapacityDocument,
  CostDocument,
  DeadLetterDocument,
  DoctorDocument,
  FirewallDocument,
  InventoryDocument,
  LabDocument,
} from '../engine/cli/json-documents.ts'
import { errorCodes } from '../engine/errors.ts'
import { RunDocument } from '../engine/report/json-schema.ts'
import { RunHeader } from '../engine/report/run-record.ts'
import type { Role } from '../engine/role.ts'
import { SavedPlan } from '../engine/saved-plan.ts'
import * as published from '../index.ts'
import { JsonDocument } from '../playbooks/json-document.ts'
import { provision } from '../playbooks/provision.ts'
import { VerifyDocument } from '../playbooks/verify/result.ts'

const root = join(import.meta.dirname, '..')

/** The reference pages, by file name: written from the code, so that they cannot say something else. */
export async function referencePages(): Promise<Record<string, string>> {
  return {
    'errors.md': errorsPage(),
    'json.md': jsonPage(),
    'resources.md': await resourcesPage(),
    'roles.md': rolesPage(),
  }
}

function errorsPage(): string {
  const rows = Object.entries(errorCodes).map(([code, meaning]) => `| \`${code}\` | ${meaning} |`)
  return page(
    'Errors',
    'Every error has a code, says what failed, where, why, and one thing to do. These are the codes.',
    ['| code | it means |', '|---|---|', ...rows],
  )
}

/** Which documents a command prints, by their types. */
const documentsOf: Record<string, string[]> = {
  'provision, harden, drift, up, destroy': typesIn(RunDocument),
  log: typesIn({ options: [RunHeader] }),
  'verify-e2e': typesIn(VerifyDocument),
  'firewall diff': typesIn(FirewallDocument),
  'inventory list, show, graph': typesIn(InventoryDocument),
  'dlq list, show, replay': typesIn(DeadLetterDocument),
  capacity: typesIn({ options: [CapacityDocument] }),
  cost: typesIn({ options: [CostDocument] }),
  doctor: typesIn({ options: [DoctorDocument] }),
  'lab status': typesIn({ options: [LabDocument] }),
}

function typesIn({ options }: { options: readonly { entries: { type: { literal: string } } }[] }): string[] {
  return options.map(({ entries }) => entries.type.literal)
}

/** What programs read: the lines of `--json`, and the file of a saved plan. */
function jsonPage(): string {
  const documents = JsonDocument.options.flatMap((document) => [
    `## ${document.entries.type.literal}`,
    '',
    ...formTable(document),
    '',
  ])
  const commands = Object.entries(documentsOf).map(
    ([command, types]) => `| ${command} | ${types.map((type) => `[${type}](#${type})`).join(', ')} |`,
  )
  return page(
    'JSON',
    'With `--json`, a command prints one document a line on standard output, in the order in which things happen, and nothing else there; each says by its `type` what it is. A run ends with `run-ended`, and any command that could not begin, or not go on, with `error`. Records in `.sluice/runs`, which `sluice log` shows, begin with `run-recorded` and go on with what the run printed. What a `[]` follows is a list. The package exports the schema of all of them, `JsonDocument`; `inventory list|show --format ansible` is in the form of Ansible instead.',
    [
      '| command | its documents |',
      '|---|---|',
      ...commands,
      '',
      ...documents,
      '## A saved plan',
      '',
      'What `--check --out` writes and `--plan` reads.',
      '',
      ...formTable(SavedPlan),
    ],
  )
}

/** Every field of a form, those of forms within it too. */
function formTable(schema: v.GenericSchema): string[] {
  return ['| field | type | |', '|---|---|---|', ...fieldRows(schema as AnySchema, '')]
}

function fieldRows(schema: AnySchema, prefix: string): string[] {
  return Object.entries(schema.entries ?? {}).flatMap(([name, field]) => {
    const { inner, suffix, left, description } = unfolded(field)
    const path = `${prefix}${name}${suffix}`
    const type =
      inner.type === 'lazy'
        ? 'object'
        : inner.entries === undefined
          ? inner.expects.replaceAll('|', '\\|')
          : 'object'
    const shown = type.length > 80 ? 'one of many words' : type
    return [
      `| \`${path}\` | ${shown}${left ? ', may be left out' : ''} | ${description} |`,
      ...fieldRows(inner, `${path}.`),
    ]
  })
}

/** What a field holds, beneath that it may be left out, is a list, or is named by a key. */
function unfolded(field: AnySchema): {
  inner: AnySchema
  suffix: string
  left: boolean
  description: string
} {
  let [inner, suffix, left, description] = [field, '', false, '']
  for (;;) {
    description ||= inner.pipe?.find(({ type }) => type === 'description')?.description ?? ''
    const base: AnySchema = inner.pipe?.[0] !== undefined && inner.pipe[0] !== inner ? inner.pipe[0] : inner
    if (base.type === 'optional' || base.type === 'exact_optional') left = true
    if (base.type === 'array') suffix += '[]'
    if (base.type === 'record') suffix += '.<name>'
    const next = base.wrapped ?? base.item ?? (base.type === 'record' ? base.value : undefined)
    if (next === undefined) return { inner: base, suffix, left, description }
    inner = next
  }
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
      const origin =
        name in published
          ? `From \`${file}\`.`
          : `Sluice's own, from \`${file}\`: its roles have it, the package does not export it.`
      sections.push(`## ${name}`, '', summary, '', origin, '', ...parameterTable(kind.spec), '')
    }
  }
  return page(
    'Resources',
    "What a role can declare, by kind. The package exports each by its name, but those that are said to be Sluice's own.",
    sections,
  )
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
  item?: AnySchema
  value?: AnySchema
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
