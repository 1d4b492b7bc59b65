import { request } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import * as v from 'valibot'
import { interrupted, SluiceError } from '../errors.ts'
import {
  type ControllerAccess,
  type ControllerProbe,
  defineResource,
  type HostProbe,
  run,
  type Step,
} from '../resource.ts'
import { Address, Port } from '../schemas.ts'
import { described, type Script, sh } from '../shell.ts'
import { lastWords } from './last-words.ts'
import { findListening } from './listening-sockets.ts'

const Condition = v.variant('condition', [
  v.strictObject({ condition: v.literal('port'), port: Port }),
  v.strictObject({
    condition: v.literal('http'),
    address: Address,
    port: Port,
    path: v.pipe(v.string(), v.startsWith('/')),
    status: v.optional(v.number(), 200),
  }),
  v.strictObject({ condition: v.literal('unit') }),
  v.strictObject({ condition: v.literal('journal'), pattern: v.pipe(v.string(), v.nonEmpty()) }),
])

const Spec = v.strictObject({
  unit: v.pipe(v.string(), v.description('the unit that is waited for; its journal explains a wait in vain')),
  until: v.pipe(
    Condition,
    v.description('a listening port, an HTTP answer, an active unit or a line in the journal'),
  ),
  timeoutSeconds: v.pipe(v.optional(v.number(), 60), v.description('how long to wait')),
})
type Spec = v.InferOutput<typeof Spec>

/** Something that a unit does once it is ready: seen at once when it holds, waited for when it does not. */
export const waitFor = defineResource<typeof Spec, { state: string }>({
  kind: 'ready',
  spec: Spec,
  id: ({ unit, until }) => `${unit} ${describe(until)}`,
  reads: ({ unit }) => [`unit:${unit}`],
  touches: ({ unit }) => [`ready:${unit}`],
  waits: true,

  probe(spec) {
    const { until } = spec
    if (until.condition === 'http') return httpProbe(until)
    return {
      script: sh`${holds(spec)} && echo yes || [ $? -eq 1 ]`,
      parse: ([word]) => (word === 'yes' ? { state: 'yes' } : undefined),
    } satisfies HostProbe<{ state: string }>
  },

  diff({ until }, have) {
    const want = until.condition === 'http' ? String(until.status) : 'yes'
    return have?.state === want ? [] : [{ property: describe(until), have: have?.state ?? 'no', want }]
  },

  apply(spec) {
    const { until, timeoutSeconds } = spec
    if (until.condition === 'http') return [waitForHttp(spec, until)]
    const script = sh`
      tries=${timeoutSeconds * 5}
      restarts() { systemctl show --property NRestarts --value -- ${spec.unit}; }
      before=$(restarts)
      while :; do
        code=0
        ${holds(spec)} || code=$?
        case $code in 0) exit 0 ;; 1) ;; *) exit "$code" ;; esac
        tries=$((tries - 1))
        # A unit that is started over and over will not get better by waiting.
        if [ "$tries" -le 0 ] || [ "$(($(restarts) - before))" -ge 3 ] || systemctl is-failed --quiet -- ${spec.unit}; then
          ${explain(spec)}
          exit 1
        fi
        sleep 0.2
      done`
    return [
      run(described(`wait until ${spec.unit} ${describe(until)}`, script), {
        timeoutSeconds: timeoutSeconds * 3,
      }),
    ]
  },
})

function describe(until: Spec['until']): string {
  switch (until.condition) {
    case 'port':
      return `listens on port ${until.port}`
    case 'http':
      return `answers on ${until.path}`
    case 'unit':
      return 'is active'
    case 'journal':
      return `says "${until.pattern}"`
  }
}

/** Ends with 0 when it holds, 1 when not, and with something else, having said why, when that could not be told. */
function holds({ unit, until }: Spec): Script {
  if (until.condition === 'port') return sh`( ${listens(unit, until.port)} )`
  if (until.condition === 'journal') return sh`( ${says(unit, until.pattern)} )`
  return sh`( state=$(systemctl show --property ActiveState --value -- ${unit}) || exit 2
    case $state in active | reloading) ;; *) exit 1 ;; esac )`
}

/** Whether the unit's own process listens on a port: something else that has taken the port is not it. */
function listens(unit: string, port: number): Script {
  return sh`
    process=$(systemctl show --property MainPID --value -- ${unit}) || exit 2
    [ "$process" -gt 0 ] || exit 1
    ${findListening(port)}
    own=$(ls -l "/proc/$process/fd" 2>/dev/null)
    printf '%s\\n' "$sockets" | {
      while read -r _ _ _ _ _ _ _ _ _ inode _; do
        case $own in *"socket:[$inode]"*) exit 0 ;; esac
      done
      exit 1
    }`
}

/**
 * Whether the unit has said something since it started. Only what journalctl says tells a bad pattern from one not found;
 * it also says what does not matter here: that a file which a power cut left is passed over, for one.
 */
function says(unit: string, pattern: string): Script {
  return sh`
    started=$(systemctl show --property InvocationID --value -- ${unit}) || exit 2
    complaint=$(journalctl --quiet --no-pager --output cat --grep ${pattern} "_SYSTEMD_INVOCATION_ID=\${started:-none}" 2>&1 >/dev/null) && exit 0
    case $complaint in *attern*) ;; *) exit 1 ;; esac
    printf '%s\\n' "$complaint" >&2
    exit 2`
}

function explain({ unit, until }: Spec): Script {
  return sh`{
    echo ${`${unit} still does not do this: ${describe(until)}; it is`} "$(systemctl is-active -- ${unit}), restarted $(($(restarts) - before)) times meanwhile"
    ${lastWords(unit)}
  } >&2`
}

type HttpCondition = Extract<Spec['until'], { condition: 'http' }>

function httpProbe(until: HttpCondition): ControllerProbe<{ state: string }> {
  return {
    async read(access) {
      const answer = await httpAnswer(access, until)
      return answer === undefined ? undefined : { state: String(answer.status) }
    },
  }
}

/** How often a service that does not answer is asked until its unit is. */
const triesALook = 8

function waitForHttp(spec: Spec, until: HttpCondition): Step {
  return {
    kind: 'controller',
    summary: `wait until ${spec.unit} ${describe(until)}`,
    async act(access) {
      const deadline = performance.now() + spec.timeoutSeconds * 1000
      let said = ''
      for (let tries = 1; ; tries++) {
        const answer = await httpAnswer(access, until)
        if (answer?.status === until.status) return
        const text = answer?.text || undefined
        if (text !== undefined && text !== said) access.progress(`${answer?.status}: ${text}`)
        said = text ?? said
        // What has failed will not get better by waiting.
        const failed = tries % triesALook === 0 && (await hasFailed(access, spec.unit))
        if (failed || performance.now() > deadline) {
          const when = failed ? 'having failed,' : `after ${spec.timeoutSeconds} s`
          throw new SluiceError('STEP_FAILED', {
            subject: `${when} ${spec.unit} answers ${until.path} with ${answer?.status ?? 'nothing'}, should be ${until.status}`,
            ...(text !== undefined && { why: text }),
            advice: `see on the host: journalctl --unit ${spec.unit} --lines 50`,
          })
        }
        if (access.signal?.aborted) throw interrupted()
        await sleep(250)
      }
    },
  }
}

async function hasFailed({ connection }: ControllerAccess, unit: string): Promise<boolean> {
  const command = sh`systemctl is-failed --quiet -- ${unit}`.text
  return (await connection.execute(command, { input: '', onStdout() {}, onStderr() {} })) === 0
}

/** How much of an answer is read: as much as anybody reads. */
const longestText = 400

/** The HTTP answer that the host itself gets, and how it begins; `undefined` when nothing answers. */
async function httpAnswer(
  { connection }: ControllerAccess,
  { address, port, path }: HttpCondition,
): Promise<{ status: number | undefined; text: string } | undefined> {
  // sshd says no when nothing listens: that is an answer, and so is a service that hangs up.
  const stream = await connection.forward(address, port).catch(() => undefined)
  if (stream === undefined) return undefined
  return new Promise((resolve) => {
    const call = request({
      path,
      createConnection: () => stream as never,
      headers: { host: 'localhost' },
      timeout: 5000,
    })
    call.on('response', (response) => {
      let text = ''
      const done = () => {
        resolve({ status: response.statusCode, text: text.slice(0, longestText).trim() })
        stream.destroy()
      }
      response.setEncoding('utf8').on('end', done).on('error', done)
      response.on('data', (part: string) => {
        text += part
        if (text.length >= longestText) done()
      })
    })
    call.on('timeout', () => call.destroy())
    call.on('error', () => resolve(undefined))
    call.end()
  })
}
