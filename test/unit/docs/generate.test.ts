import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { referencePages } from '../../../docs/generate.ts'

test('the reference pages are what the code says; npm run docs writes them', async (t) => {
  for (const [name, text] of Object.entries(await referencePages())) {
    t.is(readFileSync(join(import.meta.dirname, '..', '..', '..', 'docs', name), 'utf8'), text, name)
  }
})
