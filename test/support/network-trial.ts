import * as v from 'valibot'
import { sh, write } from '../../engine/shell.ts'
import type { Connection } from '../../engine/transport/connection.ts'
import { ask } from './lab-hosts.ts'

/**
 * Something to be tried from a host: a connection, a datagram that is to come back, an echo request, or a message of ICMP
 * that answers nothing.
 */
export type Trial =
  | { kind: 'tcp' | 'udp'; address: string; port: number }
  | { kind: 'ping'; address: string }
  | { kind: 'icmp'; address: string; type: number; code: number }

const serverPath = '/run/network-trial-server.py'
const trialPath = '/run/network-trial.py'

/** Where the host waits that is to say which messages of ICMP have come. */
const answerPort = 4999

/**
 * What a raw socket gets has passed the firewall. It is answered to the port that the message names, which lets that in as
 * the answer to a datagram that it has sent before.
 */
const server = `
import socket, struct, sys, threading
answers = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
answers.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
answers.bind(('::', ${answerPort}))
def hear(family, protocol, mapped):
    raw = socket.socket(family, socket.SOCK_RAW, protocol)
    while True:
        text, peer = raw.recvfrom(2000)
        at = text.find(b'trial')
        if at >= 0:
            answers.sendto(b'came', (mapped + peer[0], struct.unpack('!H', text[at + 5:at + 7])[0]))
for each in ((socket.AF_INET, socket.IPPROTO_ICMP, '::ffff:'), (socket.AF_INET6, socket.IPPROTO_ICMPV6, '')):
    threading.Thread(target=hear, args=each).start()
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
import json, socket, struct, subprocess, sys
from concurrent.futures import ThreadPoolExecutor
seconds = float(sys.argv[1])
def checksum(text):
    total = sum(struct.unpack('!%dH' % (len(text) // 2), text))
    total = (total >> 16) + (total & 0xffff)
    return ~(total + (total >> 16)) & 0xffff
def send_icmp(each):
    address = each['address']
    family, protocol = (socket.AF_INET6, socket.IPPROTO_ICMPV6) if ':' in address else (socket.AF_INET, socket.IPPROTO_ICMP)
    with socket.socket(family, socket.SOCK_DGRAM) as answer, socket.socket(family, socket.SOCK_RAW, protocol) as raw:
        answer.connect((address, ${answerPort}))
        answer.send(b'way back')
        body = struct.pack('!I5sHx', 0, b'trial', answer.getsockname()[1])
        # Of IPv6 the kernel works it out itself.
        total = checksum(struct.pack('!BBH', each['type'], each['code'], 0) + body)
        raw.sendto(struct.pack('!BBH', each['type'], each['code'], total) + body, (address, 0))
        answer.settimeout(seconds)
        try:
            return answer.recv(100) == b'came'
        except OSError:
            return False
def attempt(each):
    if each['kind'] == 'icmp':
        return send_icmp(each)
    kind, address, port = each['kind'], each['address'], each.get('port')
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
