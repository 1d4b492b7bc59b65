import { createHash } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Readable, Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'
import { filesBelow } from './checksum.ts'

const blockBytes = 512
// tar warns about times at or before 1970.
const fixedTimeSeconds = 315_532_800
// Jars do not get smaller, and for the rest more effort saves under a tenth.
const gzipLevel = 4

/**
 * Packs what is in `directory` into a .tar.gz file, the same bytes for the same content: sorted, of one time
 * and owner, executable below `bin/` and nowhere else.
 *
 * @returns the file's SHA-256 and size
 */
export async function packTarball(
  directory: string,
  file: string,
  signal?: AbortSignal,
): Promise<{ sha256: string; sizeBytes: number }> {
  const hash = createHash('sha256')
  let sizeBytes = 0
  const measured = new Transform({
    transform(chunk: Buffer, _, done) {
      hash.update(chunk)
      sizeBytes += chunk.length
      done(null, chunk)
    },
  })
  await pipeline(
    Readable.from(entries(directory)),
    createGzip({ level: gzipLevel, chunkSize: 256 * 1024 }),
    measured,
    createWriteStream(file),
    { signal },
  )
  return { sha256: hash.digest('hex'), sizeBytes }
}

async function* entries(directory: string): AsyncGenerator<Buffer> {
  const files = await filesBelow(directory)
  const directories = new Set(files.flatMap((path) => parents(path)))
  for (const path of [...directories, ...files].sort()) {
    if (directories.has(path)) {
      yield header({ path: `${path}/`, sizeBytes: 0, mode: 0o755, type: '5' })
      continue
    }
    const { size } = await stat(join(directory, path))
    yield header({ path, sizeBytes: size, mode: path.startsWith('bin/') ? 0o755 : 0o644, type: '0' })
    for await (const chunk of createReadStream(join(directory, path), { highWaterMark: 1024 * 1024 })) {
      yield chunk
    }
    yield Buffer.alloc((blockBytes - (size % blockBytes)) % blockBytes)
  }
  yield Buffer.alloc(2 * blockBytes)
}

function parents(path: string): string[] {
  const parent = dirname(path)
  return parent === '.' ? [] : [...parents(parent), parent]
}

/** A ustar header: POSIX.1-1988, which every tar reads. */
function header({
  path,
  sizeBytes,
  mode,
  type,
}: {
  path: string
  sizeBytes: number
  mode: number
  type: '0' | '5'
}): Buffer {
  const block = Buffer.alloc(blockBytes)
  const name = Buffer.from(path)
  if (name.length > 100) throw new TypeError(`"${path}" is longer than the 100 bytes that a ustar name has`)
  const octal = (value: number, width: number) => value.toString(8).padStart(width - 1, '0')
  name.copy(block, 0)
  block.write(octal(mode, 8), 100)
  block.write(octal(0, 8), 108)
  block.write(octal(0, 8), 116)
  block.write(octal(sizeBytes, 12), 124)
  block.write(octal(fixedTimeSeconds, 12), 136)
  // The checksum is taken with its own field full of blanks.
  block.write('        ', 148)
  block.write(type, 156)
  block.write('ustar\0', 257)
  block.write('00', 263)
  block.write('root', 265)
  block.write('root', 297)
  const sum = block.reduce((total, byte) => total + byte, 0)
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  return block
}
