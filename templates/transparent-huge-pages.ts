/** A unit that turns transparent huge pages off before mongod starts, as MongoDB's notes for 7.0 and older ask. */
export function transparentHugePagesUnit(): string {
  return [
    '[Unit]',
    'Description=Turns transparent huge pages off for MongoDB',
    'DefaultDependencies=no',
    'After=sysinit.target local-fs.target',
    'Before=mongod.service',
    '',
    '[Service]',
    'Type=oneshot',
    'RemainAfterExit=yes',
    "ExecStart=/bin/sh -c 'for part in enabled defrag; do echo never > /sys/kernel/mm/transparent_hugepage/$part; done'",
    '',
    '[Install]',
    'WantedBy=basic.target',
    '',
  ].join('\n')
}
