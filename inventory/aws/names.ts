import { nameOf } from './settings.ts'

/**
 * Names that may be typed and are unique: what each thing is called where that can be, with its identifier where
 * several are called the same, and the identifier alone where it has no name.
 *
 * @returns names by identifier
 */
export function uniqueNames(
  things: readonly { id: string; name: string | undefined }[],
  prefix = '',
): Map<string, string> {
  const wanted = new Map(
    things.map(({ id, name }) => [id, nameOf(name === undefined || name === '' ? '' : `${prefix}${name}`)]),
  )
  const names = [...wanted.values()]
  return new Map(
    [...wanted].map(([id, name]) => {
      if (name === undefined) return [id, `${prefix}${id}`]
      const others = names.filter((other) => other === name).length > 1
      return [id, others ? (nameOf(`${name}-${id}`) ?? `${prefix}${id}`) : name]
    }),
  )
}
