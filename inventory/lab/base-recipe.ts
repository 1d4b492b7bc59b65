import { existsSync } from 'node:fs'
import { glob, readFile } from 'node:fs/promises'
import { SluiceError } from '../../engine/errors.ts'
import { releaseSources, renderSources } from './apt-sources.ts'
import { onController } from './controller.ts'
import { acquireSettings, certificateBundle, certificatesIn } from './controller-trust.ts'
import type { LabSettings } from './settings.ts'

/** What a base image takes from this machine, so that hosts use the same release, mirrors and proxies. */
export interface BaseRecipe {
  suite: string
  sources: string
  /** Files that the sources' `Signed-By` name. */
  keyrings: string[]
  apt: string
  certificates: string[]
}

const certificatesOfMachine = `/${certificateBundle}`

/** Reads the recipe off this machine. */
export async function readRecipe({ suite: asked, sources: chosen }: LabSettings): Promise<BaseRecipe> {
  const suite = asked ?? (await onController()`. /etc/os-release && echo "$VERSION_CODENAME"`).stdout.trim()
  const files =
    chosen === undefined
      ? await Array.fromAsync(glob('/etc/apt/{sources.list,sources.list.d/*.list,sources.list.d/*.sources}'))
      : [chosen]
  const contents = await Promise.all(
    files.sort().map(async (path) => ({ path, content: await readFile(path, 'utf8') })),
  )
  const sources = releaseSources(contents, suite)
  if (sources.length === 0) {
    throw new SluiceError('LAB_UNAVAILABLE', {
      subject: `the apt sources have none for ${suite}`,
      at: chosen ?? '/etc/apt',
      advice:
        'name a release that they have (SLUICE_LAB_SUITE), or a file with sources for this one (SLUICE_LAB_SOURCES)',
    })
  }
  const { stdout: aptSettings } = await onController()`apt-config dump`
  return {
    suite,
    sources: renderSources(sources),
    keyrings: sources.flatMap(({ signedBy }) => (signedBy?.startsWith('/') ? [signedBy] : [])),
    apt: acquireSettings(aptSettings, process.env),
    certificates: existsSync(certificatesOfMachine)
      ? certificatesIn(await readFile(certificatesOfMachine, 'utf8'))
      : [],
  }
}
