const types = { double: 0x01, string: 0x02, object: 0x03, date: 0x09, null: 0x0a, int32: 0x10 } as const

/** The name of a field, as it stands in BSON. */
export type Key = Uint8Array

/** Makes the name of a field, which is ASCII. */
export const keyOf = (name: string): Key => Uint8Array.from(`${name}\0`, (letter) => letter.charCodeAt(0))

/**
 * Writes documents as BSON, one after the other, the same bytes that the driver would make of them. The driver makes a
 * buffer for each document and keeps both until all are sent, which is most of what an insert costs this program.
 */
export class BsonWriter {
  #bytes = Buffer.allocUnsafe(256 * 1024)
  #view = viewOf(this.#bytes)
  #end = 0

  /** What was written, until it is cleared. */
  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#end)
  }

  clear(): void {
    this.#end = 0
  }

  /** Begins a document and returns where. */
  begin(): number {
    this.#reserve(5)
    const start = this.#end
    this.#end += 4
    return start
  }

  /** Begins a document that is a field of another, and returns where. */
  beginField(key: Key): number {
    this.#name(types.object, key, 0)
    return this.begin()
  }

  /** Ends the document that began there. */
  end(start: number): void {
    this.#reserve(1)
    this.#bytes[this.#end] = 0
    this.#end += 1
    this.#view.setInt32(start, this.#end - start, true)
  }

  text(key: Key, value: string): void {
    this.#name(types.string, key, 5 + value.length * 3)
    const bytes = this.#bytes
    const start = this.#end + 4
    let at = start
    for (let index = 0; index < value.length; index += 1) {
      const code = value.charCodeAt(index)
      if (code > 0x7f) {
        at = start + bytes.write(value, start, 'utf8')
        break
      }
      bytes[at] = code
      at += 1
    }
    bytes[at] = 0
    this.#end = at + 1
    this.#view.setInt32(start - 4, this.#end - start, true)
  }

  number(key: Key, value: number): void {
    if ((value | 0) === value && !Object.is(value, -0)) {
      this.#name(types.int32, key, 4)
      this.#view.setInt32(this.#end, value, true)
      this.#end += 4
    } else {
      this.#name(types.double, key, 8)
      this.#view.setFloat64(this.#end, value, true)
      this.#end += 8
    }
  }

  /** @param time in milliseconds since 1970 */
  date(key: Key, time: number): void {
    this.#name(types.date, key, 8)
    const high = Math.floor(time / 2 ** 32)
    this.#view.setUint32(this.#end, time - high * 2 ** 32, true)
    this.#view.setInt32(this.#end + 4, high, true)
    this.#end += 8
  }

  null(key: Key): void {
    this.#name(types.null, key, 0)
  }

  #name(type: number, key: Key, valueLength: number): void {
    this.#reserve(1 + key.length + valueLength)
    const bytes = this.#bytes
    let at = this.#end
    bytes[at] = type
    at += 1
    for (let index = 0; index < key.length; index += 1) bytes[at + index] = key[index] ?? 0
    this.#end = at + key.length
  }

  #reserve(length: number): void {
    if (this.#end + length <= this.#bytes.length) return
    const larger = Buffer.allocUnsafe(Math.max(this.#bytes.length * 2, this.#end + length))
    larger.set(this.bytes)
    this.#bytes = larger
    this.#view = viewOf(larger)
  }
}

const viewOf = ({ buffer, byteOffset, byteLength }: Buffer): DataView =>
  new DataView(buffer, byteOffset, byteLength)
