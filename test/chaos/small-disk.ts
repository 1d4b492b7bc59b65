import { type Script, sh } from '../../engine/shell.ts'

const loopDevices = [
  '[Unit]',
  'DefaultDependencies=no',
  'Before=local-fs-pre.target',
  '[Service]',
  'Type=oneshot',
  'RemainAfterExit=yes',
  "ExecStart=/bin/sh -c 'mknod /dev/loop-control c 10 237; for n in 0 1 2 3 4 5 6 7; do mknod /dev/loop$$n b 7 $$n; done'",
]

const mount = (path: string) => [
  '[Unit]',
  'Requires=loop-devices.service',
  'After=loop-devices.service',
  '[Mount]',
  'What=/var/lib/small-disk.img',
  `Where=${path}`,
  'Type=ext4',
  'Options=loop',
  '[Install]',
  'WantedBy=local-fs.target',
]

/**
 * Gives a host a file system of its own at a path, an ext4 in a file, which can be full while the host's own is not. It
 * is there again after a reboot, and after a power cut with what its journal holds.
 */
export function smallDisk(path: string, megabytes: number): Script {
  const unit = `${path.slice(1).replaceAll('-', '\\x2d').replaceAll('/', '-')}.mount`
  return sh`set -e
    truncate --size ${megabytes}M /var/lib/small-disk.img
    mkfs.ext4 -q -m 0 -F /var/lib/small-disk.img
    printf '%s\\n' ${loopDevices} > /etc/systemd/system/loop-devices.service
    printf '%s\\n' ${mount(path)} > /etc/systemd/system/${unit}
    systemctl daemon-reload
    systemctl enable --quiet --now ${unit}
    rmdir ${path}/lost+found`
}

const filler = (path: string) => `${path}/filler`

/** Leaves not a byte of room. */
export const fillDisk = (path: string): Script => sh`
  fallocate --length "$(df --output=avail --block-size=1 ${path} | tail -n 1)" ${filler(path)} || :
  cat /dev/zero >> ${filler(path)} 2>/dev/null || :`

export const emptyDisk = (path: string): Script => sh`rm --force ${filler(path)}`
