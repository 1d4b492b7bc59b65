import { type ChildProcess, spawn } from 'node:child_process'
import { copyFile } from 'node:fs/promises'
import { connect } from 'node:net'
import type { Connection } from '../../engine/transport/connection.ts'

export interface LocalConnection extends Connection {
  /** Commands that were started. */
  executions: number
  /** Scripts that were sent, to a shell that was kept or to a new one. */
  roundTrips: number
}

/** A connection to this very machine: the same shell protocol as over SSH, in real processes of the test's own. */
export function localConnection(name = 'local'): LocalConnection {
  const open = new Set<ChildProcess>()
  return {
    host: {
      name,
      address: '127.0.0.1',
      port: 22,
      user: 'root',
      hostKeys: [],
      privateAddresses: ['127.0.0.1'],
      groups: [],
      variables: {},
    },
    executions: 0,
    roundTrips: 0,

    execute(command, { input, onStdout, onStderr }) {
      this.executions++
      return new Promise((resolve, reject) => {
        // As sshd does: every command in a session of its own.
        const child = spawn('/bin/sh', ['-c', command], {
          detached: true,
          env: { ...process.env, SSH_CONNECTION: '192.0.2.1 50000 192.0.2.2 22' },
        })
        child.stdout.setEncoding('utf8').on('data', onStdout)
        child.stderr.setEncoding('utf8').on('data', onStderr)
        open.add(child)
        child.on('error', reject)
        child.on('close', (code) => {
          open.delete(child)
          resolve(code ?? undefined)
        })
        // A command may end before it has read all of its input.
        child.stdin.on('error', () => {})
        if (typeof input === 'string') child.stdin.end(input)
        else {
          input.on('data', (script) => {
            if (String(script).startsWith('{\n')) this.roundTrips++
          })
          input.pipe(child.stdin)
        }
      })
    },

    async upload(localPath, remotePath, { onProgress }) {
      await copyFile(localPath, remotePath)
      onProgress?.(1)
    },

    forward: (address, port) =>
      new Promise((resolve, reject) => {
        const socket = connect(port, address, () => resolve(socket))
        socket.on('error', reject)
      }),

    // A shell that was kept ends with its input.
    close() {
      for (const child of open) child.stdin?.end()
    },
  }
}
