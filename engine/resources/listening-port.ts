import * as v from 'valibot'
import { SluiceError } from '../errors.ts'
import { type Change, defineResource, run } from '../resource.ts'
import { Address, Port } from '../schemas.ts'
import { sh } from '../shell.ts'
import { addressOfSocket, findListening } from './listening-sockets.ts'

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
      ${findListening(port)}
      if [ -z "$sockets" ]; then ${tellDeafness(unit)}; exit 0; fi
      set --
      for inode in $(printf '%s\\n' "$sockets" | awk '{ print $10 }'); do set -- "$@" -o -lname "socket:\\[$inode\\]"; done
      printf '%s\\n' "$sockets" | awk '{ print "socket", $2, $10 }'
      # A process may end while it is looked at; a socket whose process is not found is told all the same.
      find /proc/[0-9]*/fd -maxdepth 1 '(' -false "$@" ')' -printf '%p %l\\n' 2>/dev/null | sed 's#^/proc/\\([0-9]*\\)/fd/[0-9]* socket:.\\([0-9]*\\).$#\\1 \\2#' | sort -u | while read -r process inode; do
        owner=$(sed -n 's#.*/\\([^/]*\\.\\(service\\|scope\\)\\).*#\\1#p' "/proc/$process/cgroup" 2>/dev/null | head -n 1)
        printf 'holder %s %s %s %s\\n' "$inode" "$process" "\${owner:--}" "$(cat "/proc/$process/comm" 2>/dev/null)"
      done`,
    parse: (output) => ({ listeners: parseListeners(output), deaf: output.includes('deaf') }),
  }),

  diff: (spec, have) => changes(spec, have),

  // A start that is to come will show whether the unit gets its port, if only nothing else has it.
  predict(spec, have) {
    refuseTaken(spec, have)
    return []
  },

  apply: ({ unit }) => [run(sh`systemctl restart -- ${unit}`, { timeoutSeconds: 300 })],
})

/** Asked only where nothing listens, for it reads the journal. */
function tellDeafness(unit: string) {
  return sh`
    systemctl is-active --quiet -- ${unit} || exit 0
    started=$(systemctl show --property InvocationID --value -- ${unit})
    if journalctl --quiet --no-pager --output cat "_SYSTEMD_INVOCATION_ID=$started" | grep --quiet --ignore-case 'address already in use'; then echo deaf; fi`
}

/** A listener for each process that holds a socket, or one without a process where the host shows none. */
function parseListeners(output: readonly string[]): Listener[] {
  const lines = output.map((line) => line.split(' '))
  return lines
    .filter(([word]) => word === 'socket')
    .flatMap(([, local = '', inode]): Listener[] => {
      const address = addressOfSocket(local)
      const holders = lines.filter(([word, of]) => word === 'holder' && of === inode)
      if (holders.length === 0) return [{ address, process: undefined }]
      return holders.map(([, , id, unit = '', ...name]) => ({
        address,
        process: { id: Number(id), unit, name: name.join(' ') },
      }))
    })
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
