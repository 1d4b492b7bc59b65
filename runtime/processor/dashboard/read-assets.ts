import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { buildSync } from 'esbuild'

/** The files of the page, as they are served. */
export interface Assets {
  html: string
  css: string
  script: string
  icon: string
  /** Changes with the content. */
  version: string
}

/** The parts of the style sheet. Layout is first: what others say of the same elements goes before it. */
const styles = ['colours', 'layout', 'header', 'tiles', 'charts', 'tables', 'entries']

/** Makes the page out of its sources. The bundle holds the result: nothing of this runs on a host. */
export function readAssets(): Assets {
  const here = fileURLToPath(new URL('.', import.meta.url))
  const read = (name: string) => readFileSync(join(here, 'client', name), 'utf8')
  const uplotStyle = readFileSync(fileURLToPath(import.meta.resolve('uplot/dist/uPlot.min.css')), 'utf8')
  const { outputFiles } = buildSync({
    entryPoints: [join(here, 'client', 'main.ts')],
    absWorkingDir: here,
    bundle: true,
    write: false,
    minify: true,
    format: 'esm',
    target: 'es2022',
    banner: { js: '/* Contains uPlot (https://github.com/leeoniya/uPlot), MIT, (c) Leon Sorokin. */' },
    legalComments: 'none',
    logLevel: 'warning',
  })
  const files = {
    html: read('page.html'),
    css: [uplotStyle, ...styles.map((name) => read(`${name}.css`))].join('\n'),
    script: outputFiles?.[0]?.text ?? '',
    icon: read('icon.svg'),
  }
  const version = createHash('sha256').update(JSON.stringify(files)).digest('hex').slice(0, 16)
  return { ...files, version }
}
