import { createServer, type IncomingMessage, request } from 'node:http'

/** What the SDK asks: the action, its parameters and the region. */
export interface Asked {
  action: string
  parameters: URLSearchParams
  region: string
}

/** An answer in the place of the server's; `undefined` lets the question through. */
export type Interception = (asked: Asked) => Answer | undefined | Promise<Answer | undefined>

export interface Answer {
  status: number
  body: string
}

/** A relay in front of the API server, which notes what is asked and may answer in its place. */
export interface Relay {
  url: string
  asked: Asked[]
  intercept: Interception
  /** Whether this answer is lost on its way: the server has done what was asked by then. */
  sever(asked: Asked): boolean
  /** What is passed on of an answer. */
  rewrite(body: string): string
  /** Instances that were terminated behind its back: a launch with the client token of one is refused from then on. */
  terminated: string[]
  stop(): Promise<void>
}

export async function startRelay(target: string): Promise<Relay> {
  const relay: Relay = {
    url: '',
    asked: [],
    intercept: () => undefined,
    sever: () => false,
    rewrite: (body) => body,
    terminated: [],
    stop: async () => undefined,
  }
  const launches = new Map<string, string>()
  /** The server knows no client tokens; AWS answers a launch that comes again as it did the first time. */
  const answerAgain = (token: string | null): Answer | undefined => {
    const known = token === null ? undefined : launches.get(token)
    if (known === undefined) return undefined
    if (!relay.terminated.some((id) => known.includes(id))) return { status: 200, body: known }
    return ec2Error(400, 'IdempotentInstanceTerminated', 'The instance has been terminated.')
  }
  const server = createServer(async (incoming, outgoing) => {
    const body = await bodyOf(incoming)
    if (body === undefined) return
    const parameters = new URLSearchParams(body.toString())
    const [, region = ''] =
      /Credential=[^/]+\/\d+\/([^/]+)\//.exec(incoming.headers.authorization ?? '') ?? []
    // What is not EC2 says it in a header: `AmazonSSM.GetParameter`.
    const [, named = ''] = String(incoming.headers['x-amz-target'] ?? '').split('.')
    const asked = { action: parameters.get('Action') ?? named, parameters, region }
    relay.asked.push(asked)
    const token = parameters.get('ClientToken')
    const answer = (await relay.intercept(asked)) ?? answerAgain(token)
    if (answer !== undefined) {
      outgoing.writeHead(answer.status, { 'content-type': 'text/xml' }).end(answer.body)
      return
    }
    // The name of the host is signed, so it stays as it is.
    const { method, url, headers } = incoming
    const forwarded = request(new URL(url ?? '/', target), { method, headers }, async (answered) => {
      const content = await bodyOf(answered)
      if (content !== undefined && token !== null && answered.statusCode === 200) {
        launches.set(token, content.toString())
      }
      if (content === undefined || relay.sever(asked)) {
        outgoing.destroy()
        return
      }
      const { 'content-length': _, ...headers } = answered.headers
      outgoing.writeHead(answered.statusCode ?? 502, headers).end(relay.rewrite(content.toString()))
    })
    forwarded.on('error', () => outgoing.destroy())
    forwarded.end(body)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  relay.url = `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`
  relay.stop = () => {
    server.closeAllConnections()
    return new Promise((resolve) => server.close(() => resolve()))
  }
  return relay
}

/** What a message brings, or `undefined` where who sent it broke it off in the middle, as a program that is stopped does. */
async function bodyOf(message: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = []
  try {
    for await (const chunk of message) chunks.push(chunk)
  } catch (error) {
    if (message.complete) throw error
    return undefined
  }
  return Buffer.concat(chunks)
}

/** An error in the form of the EC2 API. */
export function ec2Error(status: number, code: string, message: string): Answer {
  return {
    status,
    body: `<?xml version="1.0"?><Response><Errors><Error><Code>${code}</Code><Message>${message}</Message></Error></Errors><RequestID>r-1</RequestID></Response>`,
  }
}

/** What GetConsoleOutput answers for this text. */
export function consoleAnswer(instance: string, text: string): Answer {
  const output = Buffer.from(text).toString('base64')
  return {
    status: 200,
    body: `<GetConsoleOutputResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><requestId>r-1</requestId><instanceId>${instance}</instanceId><timestamp>2026-01-31T12:00:00.000Z</timestamp><output>${output}</output></GetConsoleOutputResponse>`,
  }
}
