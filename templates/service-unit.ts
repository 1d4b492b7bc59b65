export interface ServiceUnit {
  description: string
  command: string[]
  after?: string[]
  wants?: string[]
  environment?: Record<string, string>
  environmentFile?: string
  account: string
  /** Directories that it may write to; everything else is read-only to it. */
  writable?: string[]
  /** Seconds that a stop may take before it is killed. */
  stopSeconds: number
  openFiles: number
  /** Exit codes besides 0 that mean it ended as asked: a JVM ends with 143 on SIGTERM. */
  successExitStatus?: number
  /** Groups of devices, as /proc/devices names them, that it may use besides the harmless ones. */
  devices?: string[]
  /** Lines for [Service] that only this program needs. */
  extra?: string[]
}

/**
 * A unit for a program that runs unprivileged, may write nowhere but to its own directories, starts with the host,
 * and is started again for as long as it fails.
 */
export function serviceUnit(unit: ServiceUnit): string {
  const after = ['network-online.target', ...(unit.after ?? [])].join(' ')
  const wants = ['network-online.target', ...(unit.wants ?? [])].join(' ')
  return [
    '[Unit]',
    `Description=${unit.description}`,
    `After=${after}`,
    `Wants=${wants}`,
    // What ends because another host is away for hours has to be back by itself once that is: systemd never gives up.
    'StartLimitIntervalSec=0',
    '',
    '[Service]',
    `User=${unit.account}`,
    `Group=${unit.account}`,
    ...Object.entries(unit.environment ?? {}).map(([name, value]) => `Environment=${name}=${value}`),
    ...(unit.environmentFile === undefined ? [] : [`EnvironmentFile=${unit.environmentFile}`]),
    `ExecStart=${unit.command.join(' ')}`,
    'Restart=on-failure',
    'RestartSec=2',
    `TimeoutStopSec=${unit.stopSeconds}`,
    ...(unit.successExitStatus === undefined ? [] : [`SuccessExitStatus=${unit.successExitStatus}`]),
    `LimitNOFILE=${unit.openFiles}`,
    'LimitCORE=0',
    ...(unit.extra ?? []),
    ...sandbox.flatMap((line) => (line === privateDevices ? devicesOf(unit) : [line])),
    ...(unit.writable === undefined ? [] : [`ReadWritePaths=${unit.writable.join(' ')}`]),
    '',
    '[Install]',
    'WantedBy=multi-user.target',
    '',
  ].join('\n')
}

const privateDevices = 'PrivateDevices=yes'

function devicesOf({ devices }: ServiceUnit): string[] {
  if (devices === undefined) return [privateDevices]
  return ['DevicePolicy=closed', ...devices.map((group) => `DeviceAllow=char-${group} rw`)]
}

/** Everything of systemd.exec(5) that a JVM, mongod and Node bear; not MemoryDenyWriteExecute, which ends every JIT. */
const sandbox = [
  'UMask=0027',
  'NoNewPrivileges=yes',
  'CapabilityBoundingSet=',
  'AmbientCapabilities=',
  'ProtectSystem=strict',
  'ProtectHome=yes',
  'ProtectProc=invisible',
  'ProtectClock=yes',
  'ProtectHostname=yes',
  'ProtectKernelLogs=yes',
  'ProtectKernelModules=yes',
  'ProtectKernelTunables=yes',
  'ProtectControlGroups=yes',
  'PrivateTmp=yes',
  privateDevices,
  'RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX',
  'RestrictNamespaces=yes',
  'RestrictRealtime=yes',
  'RestrictSUIDSGID=yes',
  'LockPersonality=yes',
  'RemoveIPC=yes',
  'SystemCallArchitectures=native',
  'SystemCallFilter=@system-service',
  // A call that is not allowed fails; without this it would end the process (seen with mongod).
  'SystemCallErrorNumber=EPERM',
]
