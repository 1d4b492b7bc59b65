import test from 'ava'
import { formatManifest, manifestDigest, parseManifest } from '../../../../engine/artifacts/manifest.ts'

const one = '1'.repeat(64)
const two = '2'.repeat(64)

test('a manifest is read back as it is written, without its comments', (t) => {
  const manifest = parseManifest(`# why\n${two}  libs/b.jar\n${one}  libs/a.jar\n`, 'x.lock')

  t.is(formatManifest(manifest), `${one}  libs/a.jar\n${two}  libs/b.jar\n`)
  t.deepEqual(parseManifest(formatManifest(manifest), 'x.lock').size, 2)
})

test('the digest of a manifest does not depend on the order of its lines', (t) => {
  const forward = parseManifest(`${one}  a\n${two}  b\n`, 'x.lock')
  const backward = parseManifest(`${two}  b\n${one}  a\n`, 'x.lock')

  t.is(manifestDigest(forward), manifestDigest(backward))
})

test('a line that is no checksum and path is named', (t) => {
  t.throws(() => parseManifest(`${one}  a\nabc  b\n`, 'x.lock'), { message: /^x\.lock:2 should be/ })
  t.throws(() => parseManifest(`${one}  /etc/passwd\n`, 'x.lock'), { message: /^x\.lock:1 should be/ })
})
