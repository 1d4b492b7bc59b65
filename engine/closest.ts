/** Of these texts those that are most like what was typed, the most alike first; those with nothing in common are left out. */
export function closest(typed: string, texts: readonly string[], most = 3): string[] {
  return texts
    .map((text) => ({ text, alike: likeness(typed, text) }))
    .filter(({ alike }) => alike > 0.25)
    .toSorted((left, right) => right.alike - left.alike)
    .slice(0, most)
    .map(({ text }) => text)
}

/** How many pairs of neighbouring letters two texts share, from 0 for none to 1 for all. */
function likeness(left: string, right: string): number {
  const [ofLeft, ofRight] = [pairsOf(left), pairsOf(right)]
  const rest = [...ofRight]
  const shared = ofLeft.filter((pair) => {
    const at = rest.indexOf(pair)
    if (at >= 0) rest.splice(at, 1)
    return at >= 0
  })
  return (2 * shared.length) / Math.max(1, ofLeft.length + ofRight.length)
}

function pairsOf(text: string): string[] {
  const letters = [...text.toLowerCase()]
  return letters.slice(1).map((letter, index) => `${letters[index]}${letter}`)
}
