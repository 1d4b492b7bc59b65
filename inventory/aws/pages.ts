import { awsFailure, type Question } from './failure.ts'

/**
 * Everything on all pages of an answer.
 *
 * @throws SluiceError AWS_CREDENTIALS, AWS_DENIED, AWS_UNAVAILABLE
 */
export async function allOf<Page, Item>(
  pages: AsyncIterable<Page>,
  itemsOf: (page: Page) => Item[] | undefined,
  question: Question,
): Promise<Item[]> {
  const items: Item[] = []
  try {
    for await (const page of pages) items.push(...(itemsOf(page) ?? []))
  } catch (error) {
    throw awsFailure(error, question)
  }
  return items
}
