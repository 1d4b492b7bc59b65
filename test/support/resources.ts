import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as v from 'valibot'
import { defineResource, run } from '../../engine/resource.ts'
import { sh } from '../../engine/shell.ts'

const made: string[] = []
process.on('exit', () => {
  for (const directory of made) rmSync(directory, { recursive: true, force: true })
})

/** A directory that is gone when the test process ends. */
export function scratch(): string {
  const directory = mkdtempSync(join(tmpdir(), 'sluice-test-'))
  made.push(directory)
  return directory
}

const Spec = v.strictObject({
  path: v.string(),
  content: v.string(),
  /** Subjects besides its own path. */
  reads: v.optional(v.array(v.string()), []),
  touches: v.optional(v.array(v.string()), []),
  /** What is really written, for a resource that does not do what it says. */
  written: v.optional(v.string()),
  /** Fails with this exit code instead of writing. */
  fails: v.optional(v.number()),
})

/** A text file, without owners and modes: the smallest real resource, for which no root is needed. */
export const note = defineResource<typeof Spec, { content: string }>({
  kind: 'note',
  spec: Spec,
  id: ({ path }) => path,
  reads: ({ path, reads }) => [`path:${path}`, ...reads],
  touches: ({ path, touches }) => [`path:${path}`, ...touches],
  probe: ({ path }) => ({
    script: sh`if [ -e ${path} ]; then cat -- ${path}; echo .; fi`,
    parse: (output) => (output.length === 0 ? undefined : { content: output.join('\n').slice(0, -1) }),
  }),
  diff: ({ content }, have) =>
    have?.content === content ? [] : [{ property: 'content', have: have?.content, want: content }],
  apply: ({ path, content, written, fails }) => [
    run(
      fails === undefined
        ? sh`printf %s ${written ?? content} > ${path}`
        : sh`echo trouble >&2; exit ${fails}`,
    ),
  ],
  remove: ({ path }) => [run(sh`rm -- ${path}`)],
})
