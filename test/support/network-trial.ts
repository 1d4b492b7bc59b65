import * as v from 'valibot'
import { sh, write } from '../../engine/shell.ts'
import type { Connection } from '../../engine/transport/connection.ts'
import { ask } from './lab-hosts.ts'

/** Something to be tried from a host: a connection, a datagram that is to come back, or an echo request. */
export interface Trial {
  kind: 'tcp' | 'udp' | 'ping'
  address: string
  /** 0 for an echo request. */
  port: number
}

const serverPath = '/run/network-trial-server.py'
const trialPath = '/run/network-trial.py'

const server = `
import socket, sys, threading
def echo(port):
    sock = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    sock.bind(('::', port))
    while True:
        text, peer = sock.recvfrom(100)
        sock.sendto(text, peer)
def accept(port):
    sock = socket.create_server(('::', port), family=socket.AF_INET6, dualstack_ipv6=True, backlog=100)
    while True:
        sock.accept()[0].close()
for port in map(int, sys.argv[1:]):
    for serve in (echo, accept):
        threading.Thread(target=serve, args=(port,)).start()
`

/** Refused is let through too: the host itself has answered. */
const trial = `
import json, socket, subprocess, sys
from concurrent.futures import ThreadPoolExecutor
seconds = float(sys.argv[1])
def attempt(each):
    kind, address, port = each['kind'], each['address'], each['port']
    if kind == 'ping':
        return subprocess.run(['ping', '-n', '-q', '-c', '1', '-W', str(seconds), address], capture_output=True).returncode == 0
    family = socket.AF_INET6 if ':' in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM if kind == 'tcp' else socket.SOCK_DGRAM) as sock:
        sock.settimeout(seconds)
        try:
            sock.connect((address, port))
            if kind == 'udp':
                sock.send(b'echo')
                return sock.recv(100) == b'echo'
            return True
        except ConnectionRefusedError:
            return True
        except OSError:
            return False
with ThreadPoolExecutor(64) as pool:
    print(json.dumps(list(pool.map(attempt, json.loads(sys.argv[2])))))
`

/** Listens on these ports of a host, with TCP and UDP, on IPv4 and IPv6, until the host is gone. */
export async function listenOn(connection: Connection, ports: readonly number[]): Promise<void> {
  await ask(
    connection,
    sh`
      ${write(serverPath, server)}
      ${write(trialPath, trial)}
      systemd-run --quiet --unit network-trial python3 ${serverPath} ${ports}
      for wait in $(seq 50); do ss -Hltn | grep -q ${`:${ports.at(-1)}`} && exit 0; sleep 0.1; done; exit 1`,
  )
}

/** Tries all of these from a host at once; says of each whether it got through. */
export async function tryAll(
  connection: Connection,
  trials: readonly Trial[],
  seconds: number,
): Promise<boolean[]> {
  const said = await ask(connection, sh`python3 ${trialPath} ${seconds} ${JSON.stringify(trials)}`)
  return v.parse(v.pipe(v.array(v.boolean()), v.length(trials.length)), JSON.parse(said))
}
