import { request } from 'node:http'
import * as v from 'valibot'
import { reasonOf } from '../../engine/errors.ts'
import type { Connection } from '../../engine/transport/connection.ts'
import { type Answer, CheckFailure } from './checklist.ts'
import { linesOf } from './evidence.ts'
import type { CheckResult } from './result.ts'

const timeoutMs = 5_000

interface Place {
  address: string
  port: number
}

interface HttpAnswer {
  status: number
  body: string
}

/** What a service answers to a GET that its own host sends. */
export async function answerOf(
  connection: Connection,
  { address, port }: Place,
  path: string,
): Promise<HttpAnswer> {
  const stream = await connection.forward(address, port).catch((cause: unknown) => {
    throw new CheckFailure(`nothing listens on ${address}:${port} (${reasonOf(cause)})`)
  })
  return new Promise((resolve, reject) => {
    const call = request({
      path,
      createConnection: () => stream as never,
      headers: { host: 'localhost', connection: 'close' },
      timeout: timeoutMs,
    })
    call.on('response', (response) => {
      let body = ''
      response.setEncoding('utf8')
      response.on('data', (text: string) => {
        body += text
      })
      response.on('error', reject)
      response.on('end', () => {
        stream.destroy()
        resolve({ status: response.statusCode ?? 0, body })
      })
    })
    call.on('timeout', () => call.destroy(new Error(`${path} did not answer within ${timeoutMs / 1000} s`)))
    call.on('error', (error) => {
      stream.destroy()
      reject(error)
    })
    call.end()
  })
}

/** Judges `/health`. */
export function judgeHealth({ status, body }: HttpAnswer): Answer<undefined> {
  if (status === 200) return { detail: '/health answers 200', value: undefined }
  throw new CheckFailure(`/health answers ${status}, should be 200: ${shortened(body)}`)
}

const Readiness = v.object({ ready: v.boolean(), reasons: v.record(v.string(), v.string()) })

/** Judges `/ready`, and says what the processor itself says is missing. */
export function judgeReadiness({ status, body }: HttpAnswer): Answer<undefined> {
  if (status === 200) return { detail: '/ready answers 200', value: undefined }
  const parsed = v.safeParse(v.pipe(v.string(), v.parseJson(), Readiness), body)
  const reasons = parsed.success
    ? Object.entries(parsed.output.reasons).map(([part, reason]) => `${part}: ${reason}`)
    : [shortened(body)]
  throw new CheckFailure(`/ready answers ${status}, should be 200: ${reasons.join('; ')}`, {
    advice: 'look first at what it says it waits for; it goes on by itself when that is back',
    ...(parsed.success && lackingOf(Object.keys(parsed.output.reasons))),
  })
}

/** The parts of the pipeline that the reasons are about, where they are about nothing else. */
function lackingOf(reasons: readonly string[]): Pick<CheckResult, 'lacks'> {
  const lacks = reasons.map((reason) => partOfReason.get(reason))
  return lacks.every((part) => part !== undefined) ? { lacks: [...new Set(lacks)] } : {}
}

const partOfReason = new Map<string, 'kafka' | 'mongodb'>([
  ['kafka', 'kafka'],
  ['dead letters', 'kafka'],
  ['mongodb', 'mongodb'],
  ['indexes', 'mongodb'],
])

const shortened = (body: string): string => linesOf(body).join(' ').slice(0, 200)
