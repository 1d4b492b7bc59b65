import * as v from 'valibot'
import { SluiceError } from '../errors.ts'
import { type Change, defineResource, run } from '../resource.ts'
import { Address, Port } from '../schemas.ts'
import { sh } from '../shell.ts'

const Spec = v.strictObject({
  unit: v.pipe(v.string(), v.description('the unit that shall listen')),
  port: v.pipe(Port, v.description('the TCP port')),
  addresses: v.pipe(
    v.array(Address),
    v.minLength(1),
    v.description('where it listens; `0.0.0.0` and `::` stand for everywhere'),
  ),
})
type Spec = v.InferOutput<typeof Spec>

/** A process that listens on the port. */
export interface Listener {
  address: string
  /** None where the host does not show whose socket it is. */
  process: { id: number; name: string; unit: string } | undefined
}

interface Have {
  listeners: Listener[]
  /** Whether the unit runs, does not listen, and has said that it could not take its address. */
  deaf: boolean
}

/**
 * A port that belongs to a unit: nothing else may listen there, and a unit that lost it when it started is started
 * again. What has taken the port is named before anything is changed, for the service would fail late and unclearly.
 */
export const listeningPort = defineResource<typeof Spec, Have>({
  kind: 'port',
  spec: Spec,
  id: ({ unit, port }) => `${port} of ${unit}`,
  reads: ({ unit }) => [`unit:${unit}`],
  touches: ({ unit }) => [`unit:${unit}`],

  probe: ({ unit, port }) => ({
    script: sh`
      ss --no-header --listening --numeric --tcp --processes "sport = :${port}" | while read -r _ _ _ address _ users; do
        processes=$(printf %s "$users" | grep --only-matching 'pid=[0-9]*' | cut -d = -f 2 | sort -u)
        [ -n "$processes" ] || echo "listener $address"
        for process in $processes; do
          owner=$(sed -n 's#.*/\\([^/]*\\.\\(service\\|scope\\)\\).*#\\1#p' "/proc/$process/cgroup" | head -n 1)
          printf 'listener %s %s %s %s\\n' "$address" "$process" "\${owner:--}" "$(cat "/proc/$process/comm")"
        done
      done
      ${saysItIsDeaf(unit, port)}`,
    parse: (output) => ({
      listeners: output.filter((line) => line.startsWith('listener ')).map(parseListener),
      deaf: output.includes('deaf'),
    }),
  }),

  diff: (spec, have) => changes(spec, have),

  // A start that is to come will show whether the unit gets its port, if only nothing else has it.
  predict(spec, have) {
    refuseTaken(spec, have)
    return []
  },

  apply: ({ unit }) => [run(sh`systemctl restart -- ${unit}`, { timeoutSeconds: 300 })],
})

/** The kernel lists listening sockets by the port in hexadecimal and state 0A (proc(5)): no journal is read where one does. */
function saysItIsDeaf(unit: string, port: number) {
  const listening = `:${port.toString(16).toUpperCase().padStart(4, '0')} [0-9A-F]*:0000 0A `
  return sh`
    if ! grep --quiet --no-messages -- ${listening} /proc/net/tcp /proc/net/tcp6 && systemctl is-active --quiet -- ${unit}; then
      started=$(systemctl show --property InvocationID --value -- ${unit})
      journalctl --quiet --no-pager --output cat "_SYSTEMD_INVOCATION_ID=$started" | grep --quiet --ignore-case 'address already in use' && echo deaf || :
    fi`
}

/** One line of the probe: an address with port as `ss` writes it, and the process where the host shows it. */
function parseListener(line: string): Listener {
  const [, socket = '', id, unit = '', ...name] = line.split(' ')
  const address = socket
    .replace(/:\d+$/, '')
    .replace(/%[^\]]+/, '')
    .replace(/^\[(?:::ffff:(?=\d+\.))?(.*)\]$/, '$1')
  return {
    address: address === '*' ? '::' : address,
    process: id === undefined ? undefined : { id: Number(id), unit, name: name.join(' ') },
  }
}

const everywhere = (address: string) => address === '0.0.0.0' || address === '::'

/** The listeners that keep the unit from its port. */
function inTheWay({ unit, addresses }: Spec, listeners: readonly Listener[]): Listener[] {
  const clashes = ({ address }: Listener) =>
    everywhere(address) || addresses.some((own) => own === address || everywhere(own))
  // Several processes may hold one socket: it is the unit's when one of them is.
  const ours = new Set(listeners.flatMap(({ address, process }) => (process?.unit === unit ? [address] : [])))
  return listeners.filter((listener) => clashes(listener) && !ours.has(listener.address))
}

function refuseTaken(spec: Spec, have: Have | undefined): void {
  const [taker] = inTheWay(spec, have?.listeners ?? [])
  if (taker === undefined) return
  const { unit, port } = spec
  const { process } = taker
  const who =
    process === undefined
      ? 'a process that the host does not show'
      : `${process.name} (process ${process.id}, ${process.unit})`
  throw new SluiceError('PORT_TAKEN', {
    subject: `port ${port}, which ${unit} is to have, is taken by ${who}`,
    at: `port ${port} of ${unit}`,
    why: `it listens on ${everywhere(taker.address) ? 'all addresses' : taker.address}`,
    advice: `stop it${process?.unit.endsWith('.service') ? ` (systemctl disable --now ${process.unit})` : ''}, or give ${unit} another port, then run again`,
  })
}

function changes(spec: Spec, have: Have | undefined): Change[] {
  refuseTaken(spec, have)
  if (!have?.deaf) return []
  return [
    { property: 'listens', have: 'no: the port was taken when it started', want: 'yes, after a restart' },
  ]
}
