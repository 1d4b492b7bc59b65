import { accessSync, constants } from 'node:fs'
import { $ } from 'zx'
import { type ErrorCode, reasonOf, SluiceError } from '../errors.ts'
import type { Host } from '../inventory.ts'
import { painter } from '../report/terminal.ts'
import { exitCodes } from './exit-codes.ts'
import type { Finding } from './finding.ts'
import type { CommandDocument } from './json-documents.ts'
import type { HostOptions } from './options.ts'
import { connector, inventoryChoice, loadHosts, type Session } from './session.ts'

const leastNodeVersion = 24

/** `doctor`: what this controller has and lacks, and whether the chosen hosts let it in. */
export async function doctorCommand(session: Session, options: HostOptions): Promise<number> {
  const { stdout, print, registry } = session
  const paint = painter(stdout)
  let problems = 0
  const show = (finding: Finding) => {
    const { subject, state, found, advice } = finding
    if (state === 'problem') problems++
    if (options.json)
      return print(JSON.stringify({ type: 'doctor-finding', ...finding } satisfies CommandDocument))
    const mark = state === 'ok' ? paint('green', 'ok     ') : paint('red', 'problem')
    print(`${mark}  ${subject.padEnd(18)}  ${found.replaceAll('\n', `\n${' '.repeat(29)}`)}`)
    if (advice !== undefined) print(`${' '.repeat(27)}  do: ${advice}`)
  }
  for (const finding of [nodeVersion(), ...(await sshClient()), projectDirectory(session)]) show(finding)
  if (inventoryChoice(session, options.inventory).name === 'lab') {
    for (const finding of await (await registry.lab.load()).findings()) show(finding)
  }
  if (registry.software !== undefined) {
    const [{ softwareFindings }, { artifactCacheDirectory }, software] = await Promise.all([
      import('./software-findings.ts'),
      import('../artifacts/cache.ts'),
      registry.software.load(),
    ])
    const from = { cacheDirectory: artifactCacheDirectory(), mirror: session.configuration.artifactMirror }
    for (const finding of await softwareFindings(software(), from)) show(finding)
  }
  for (const finding of await hostFindings(session, options)) show(finding)
  if (!options.json) {
    print(problems === 0 ? '\nNothing stands in the way.' : `\nProblems: ${problems}. Each says what to do.`)
  }
  return problems === 0 ? exitCodes.converged : exitCodes.failed
}

function nodeVersion(): Finding {
  const version = process.versions.node
  if (Number.parseInt(version, 10) >= leastNodeVersion) return ok('node', version)
  return problem('node', version, `install Node ${leastNodeVersion} or later, or start Sluice by npm run`)
}

async function sshClient(): Promise<Finding[]> {
  return Promise.all(
    ['ssh', 'ssh-keygen'].map(async (program) => {
      const { stdout } = await $({ quiet: true, nothrow: true })`command -v ${program}`
      return stdout.trim() === ''
        ? problem(program, 'not found', 'apt-get install openssh-client')
        : ok(program, stdout.trim())
    }),
  )
}

function projectDirectory({ projectDirectory: folder }: Session): Finding {
  try {
    accessSync(folder, constants.W_OK)
    return ok('project', folder)
  } catch (error) {
    return problem(
      'project',
      `${folder}: ${reasonOf(error)}`,
      'let this user write there: known hosts and the records of runs are kept in it',
    )
  }
}

async function hostFindings(session: Session, options: HostOptions): Promise<Finding[]> {
  try {
    const { inventory, hosts } = await loadHosts(session, options, { create: false })
    const connect = await connector(session, options)
    const { readFacts } = await import('../host-survey.ts')
    const judge = async (host: Host): Promise<Finding> => {
      try {
        const connection = await connect(host)
        try {
          const { distribution, release, architecture, memoryMb } = await readFacts(connection)
          return ok(
            host.name,
            [
              `${host.user}@${host.address}: ${distribution} ${release}, ${architecture}, ${memoryMb} MB`,
              ...(connection.remark === undefined ? [] : [connection.remark]),
            ].join('\n'),
          )
        } finally {
          connection.close()
        }
      } catch (error) {
        return problemOf(host.name, error)
      }
    }
    const summary = ok('inventory', `${inventory.name}: ${hosts.length} hosts`)
    return [summary, ...(await Promise.all(hosts.map(judge)))]
  } catch (error) {
    // Hosts that were not made yet are no trouble: that is when one asks what is missing for them.
    const notYet: ErrorCode[] =
      options.limit === undefined ? ['LAB_UNAVAILABLE', 'HOSTS_UNKNOWN'] : ['LAB_UNAVAILABLE']
    if (error instanceof SluiceError && notYet.includes(error.code))
      return [{ ...ok('inventory', error.subject), ...(error.advice && { advice: error.advice }) }]
    return [problemOf('inventory', error)]
  }
}

function problemOf(subject: string, error: unknown): Finding {
  if (!(error instanceof SluiceError)) throw error
  const found = error.why === undefined ? error.message : `${error.message}\n${error.why}`
  return problem(subject, found, error.advice ?? 'see what it says')
}

function ok(subject: string, found: string): Finding {
  return { subject, state: 'ok', found }
}

function problem(subject: string, found: string, advice: string): Finding {
  return { subject, state: 'problem', found, advice }
}
