/** More GPUs than this, and their names are made anew. */
const namesKept = 20_000

const byHost = new Map<string, Map<number, string>>()
let kept = 0

/**
 * Names a GPU: the host, where it is known, and the index there. The same text each time, because to make one for every
 * message costs more than what is looked up by it.
 */
export function gpuKey(host: string | undefined, index: number): string {
  const name = host ?? ''
  const key = byHost.get(name)?.get(index)
  return key ?? keep(name, index)
}

function keep(host: string, index: number): string {
  if (kept === namesKept) {
    byHost.clear()
    kept = 0
  }
  let keys = byHost.get(host)
  if (keys === undefined) {
    keys = new Map()
    byHost.set(host, keys)
  }
  const key = `${host}#${index}`
  keys.set(index, key)
  kept += 1
  return key
}
