import { globSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import test from 'ava'

const root = join(import.meta.dirname, '..', '..')

/** What each folder may import besides itself and packages. */
const allowed: Record<string, string[]> = {
  engine: [],
  templates: [],
  runtime: [],
  roles: ['engine', 'templates'],
  inventory: ['engine'],
  playbooks: ['roles', 'inventory', 'engine'],
}

/** Imports that cross the lines all the same, each with its reason. */
const exceptions = new Map([
  ['roles/artifacts/runtime.ts runtime/bundle.ts', 'the role that releases our programs has them bundled'],
])

const sources = Object.keys(allowed).flatMap((folder) => globSync(`${folder}/**/*.ts`, { cwd: root }))

function importsOf(file: string): string[] {
  const text = readFileSync(join(root, file), 'utf8')
  return [...text.matchAll(/(?:from|import\()\s*'(\.[^']+)'/g)].map(([, path = '']) =>
    relative(root, join(root, dirname(file), path)),
  )
}

test('imports go one way: playbooks, roles, inventory, engine; the runtime stands alone', (t) => {
  const wrong = sources.flatMap((file) => {
    const folder = file.split('/')[0] ?? ''
    return importsOf(file)
      .filter((target) => {
        const to = target.split('/')[0] ?? ''
        return to !== folder && !allowed[folder]?.includes(to) && !exceptions.has(`${file} ${target}`)
      })
      .map((target) => `${file} imports ${target}`)
  })

  t.deepEqual(wrong, [])
})

test('no module imports itself by way of others', (t) => {
  const graph = new Map(sources.map((file) => [file, importsOf(file)]))
  const done = new Set<string>()
  const cycles: string[] = []
  const visit = (file: string, path: string[]) => {
    if (path.includes(file)) cycles.push([...path.slice(path.indexOf(file)), file].join(' > '))
    if (done.has(file) || path.includes(file)) return
    for (const next of graph.get(file) ?? []) visit(next, [...path, file])
    done.add(file)
  }
  for (const file of sources) visit(file, [])

  t.deepEqual(cycles, [])
})
