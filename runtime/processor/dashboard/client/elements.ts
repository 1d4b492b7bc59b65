/** The element of the page with this id. The page and this script come from the same build, so it is there. */
export function byId<Kind extends HTMLElement>(id: string, kind: { new (): Kind }): Kind {
  const element = document.getElementById(id)
  if (!(element instanceof kind)) throw new TypeError(`the page has no ${kind.name} with the id ${id}`)
  return element
}

/** Makes an element with content: text stays text, whatever is in it. */
export function make<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  attributes: Record<string, string> = {},
  ...content: (Node | string)[]
): HTMLElementTagNameMap[Name] {
  const element = document.createElement(name)
  for (const [attribute, value] of Object.entries(attributes)) element.setAttribute(attribute, value)
  element.append(...content)
  return element
}

/** Makes an element of a drawing. */
export function draw(name: string, attributes: Record<string, string>, ...content: Node[]): SVGElement {
  const element = document.createElementNS('http://www.w3.org/2000/svg', name)
  for (const [attribute, value] of Object.entries(attributes)) element.setAttribute(attribute, value)
  element.append(...content)
  return element
}

/** Shows a number, with its exact value for whoever reads the page by program. */
export function showNumber(id: string, value: number | null, written: (value: number) => string): void {
  const element = byId(id, HTMLDataElement)
  const text = value === null ? '–' : written(value)
  if (element.textContent !== text) element.textContent = text
  element.value = value === null ? '' : String(value)
}
