import { reasonOf, SluiceError } from '../../../engine/errors.ts'
import { count } from '../../../engine/report/wording.ts'

/**
 * Has everything that must be known before anything is begun.
 *
 * @throws SluiceError that names all that is missing, and not one after the other
 */
export async function allKnown<const Wanted extends Record<string, () => unknown>>(
  wanted: Wanted,
): Promise<{ [Name in keyof Wanted]: Awaited<ReturnType<Wanted[Name]>> }> {
  const entries = await Promise.all(
    Object.entries(wanted).map(async ([name, find]) => {
      try {
        return { name, found: await find() }
      } catch (error) {
        if (error instanceof SluiceError) return { name, error }
        throw error
      }
    }),
  )
  const errors = entries.flatMap(({ error }) => error ?? [])
  const [first] = errors
  if (first !== undefined) throw errors.length === 1 ? first : together(first, errors)
  return Object.fromEntries(entries.map(({ name, found }) => [name, found])) as {
    [Name in keyof Wanted]: Awaited<ReturnType<Wanted[Name]>>
  }
}

function together({ code }: SluiceError, errors: readonly SluiceError[]): SluiceError {
  const numbered = (texts: readonly string[]) =>
    texts.map((text, index) => `${index + 1}. ${text}`).join('\n')
  return new SluiceError(code, {
    subject: `${count(errors.length, 'thing')} that must be known are missing, and nothing was begun`,
    why: numbered(errors.map(reasonOf)),
    advice: numbered(errors.map(({ advice }) => advice ?? 'see above')),
    cause: new AggregateError(errors),
  })
}
