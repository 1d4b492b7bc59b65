import * as v from 'valibot'
import { SluiceError } from './errors.ts'
import { parseWith } from './schemas.ts'
import { type Script, sh } from './shell.ts'

/** What is asked of every host before its resources are known. */
const Facts = v.object({
  hostname: v.pipe(v.string(), v.nonEmpty()),
  /** `ubuntu`, `debian` … as os-release says. */
  distribution: v.pipe(v.string(), v.nonEmpty()),
  /** `22.04`, `12` … */
  release: v.string(),
  architecture: v.picklist(['amd64', 'arm64']),
  processors: v.pipe(v.number(), v.integer(), v.minValue(1)),
  /** What the host may use: its own memory, or its control group's limit where that is lower. */
  memoryMb: v.pipe(v.number(), v.integer(), v.minValue(1)),
  /** Whether it shares the kernel of another machine. */
  container: v.boolean(),
  /** The program that keeps its clock, where somebody chose another than systemd's. */
  timeDaemon: v.optional(v.string()),
  /** The controller's address as the host sees it. */
  clientAddress: v.string(),
  /** The port at which the controller came in, as the host counts: before it there may be a gateway with another. */
  sshPort: v.optional(v.pipe(v.number(), v.integer())),
})
export type Facts = v.InferOutput<typeof Facts>

export const factsScript: Script = sh`
. /etc/os-release
set -- $(uname -nm)
echo "hostname=$1"
echo "distribution=$ID"
echo "release=$VERSION_ID"
echo "machine=$2"
echo "processors=$(getconf _NPROCESSORS_ONLN)"
while read -r key value unit; do [ "$key" != MemTotal: ] || { echo "memoryKb=$value"; break; }; done < /proc/meminfo
for limit in /sys/fs/cgroup/memory.max /sys/fs/cgroup/memory/memory.limit_in_bytes; do
  if [ -r "$limit" ]; then read -r value < "$limit"; echo "memoryLimit=$value"; fi
done
if [ -e /run/systemd/container ] || systemd-detect-virt --quiet --container; then echo container=yes; fi
for daemon in chronyd ntpd; do if [ -x "/usr/sbin/$daemon" ]; then echo "timeDaemon=$daemon"; fi; done
echo "client=$SLUICE_CLIENT"
echo "sshPort=$SLUICE_SSH_PORT"
`

/**
 * Reads what `factsScript` printed.
 *
 * @param clientAddress the controller's address as sshd reported it
 * @throws SluiceError HOST_UNSUPPORTED when it is neither Debian nor Ubuntu, or something that both say is not there
 */
export function parseFacts(output: string, host: string): Facts {
  const pairs = output
    .split('\n')
    .map((line) => /^([a-zA-Z]+)=(.*)$/.exec(line))
    .filter((match) => match !== null)
    .map(([, key = '', value = '']) => [key, value] as const)
  const one = (key: string) => pairs.find(([name]) => name === key)?.[1]
  const limits = pairs.filter(([key]) => key === 'memoryLimit').map(([, value]) => Number(value))
  const bytes = [Number(one('memoryKb')) * 1024, ...limits.filter((limit) => limit > 0)]
  const machine = one('machine')
  if (machine !== 'x86_64' && machine !== 'aarch64') {
    throw new SluiceError('HOST_UNSUPPORTED', {
      subject: `the machine type should be x86_64 or aarch64, is ${machine ?? 'not known'}`,
      at: host,
      advice: 'leave this host out with --limit',
    })
  }
  const distribution = one('distribution')
  // What is only like them has other packages, other versions of them, and other defaults.
  if (distribution !== undefined && distribution !== 'debian' && distribution !== 'ubuntu') {
    throw new SluiceError('HOST_UNSUPPORTED', {
      subject: `the system should be Debian or Ubuntu, is ${distribution} ${one('release') ?? ''}`.trim(),
      at: host,
      advice: 'leave this host out with --limit',
    })
  }
  return parseWith(
    Facts,
    {
      hostname: one('hostname'),
      distribution,
      release: one('release'),
      architecture: machine === 'x86_64' ? 'amd64' : 'arm64',
      processors: Number(one('processors')),
      memoryMb: Math.floor(Math.min(...bytes) / 1024 / 1024),
      container: one('container') === 'yes',
      ...(one('timeDaemon') && { timeDaemon: one('timeDaemon') }),
      clientAddress: one('client'),
      ...(one('sshPort') && { sshPort: Number(one('sshPort')) }),
    },
    {
      code: 'HOST_UNSUPPORTED',
      place: host,
      advice: 'leave this host out with --limit',
    },
  )
}
