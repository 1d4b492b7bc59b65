import * as http from 'node:http'
import * as https from 'node:https'

/** What asks for an address, by the user's proxy where one is set for it. */
export function clientFor(url: URL): { client: typeof http | typeof https; agent: http.Agent } {
  const client = url.protocol === 'http:' ? http : https
  return { client, agent: new client.Agent({ proxyEnv: process.env }) }
}
