import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ExecutionContext } from 'ava'
import { build } from 'esbuild'
import { type Script, sh } from '../../engine/shell.ts'
import type { Connection } from '../../engine/transport/connection.ts'

const node = '/opt/sluice/node/current/bin/node'
const program = '/opt/chaos/stream.mjs'
const uploaded = '/var/tmp/chaos-stream.mjs'

/** What Kafka has acknowledged to the stream, an id a line. */
export const ledger = '/var/lib/chaos/acknowledged'

/** Puts the stream on a host as `chaos-stream.service`, which starts with the host, and waits for its first events. */
export async function startStream(
  t: ExecutionContext,
  connection: Connection,
  { bootstrap, marker }: { bootstrap: string; marker: string },
  ask: (connection: Connection, script: Script) => Promise<string>,
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-chaos-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const outfile = join(folder, 'stream.mjs')
  await build({
    entryPoints: [join(import.meta.dirname, 'stream.ts')],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    banner: {
      js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url)",
    },
    logLevel: 'warning',
  })
  await connection.upload(outfile, uploaded, {})
  await ask(
    connection,
    sh`install -D -m 0644 ${uploaded} ${program}; rm ${uploaded}
    printf '%s\\n' '[Service]' 'User=pipeline' 'StateDirectory=chaos' 'Restart=always' 'RestartSec=1' ${`ExecStart=${node} ${program} send ${bootstrap} ${marker} ${ledger}`} '[Install]' 'WantedBy=multi-user.target' > /etc/systemd/system/chaos-stream.service
    systemctl daemon-reload; systemctl enable --quiet --now chaos-stream
    until [ -s ${ledger} ]; do sleep 0.1; done`,
  )
}

/** Prints all of a topic, a line of JSON a message. */
export const dumpOf = (bootstrap: string, topic: string): Script =>
  sh`${node} ${program} dump ${bootstrap} ${topic}`
