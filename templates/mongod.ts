export interface MongodServer {
  addresses: string[]
  port: number
  dataDirectory: string
  cacheGb: number
}

/** mongod.conf: bound to loopback and the private addresses; it logs to the journal, since no log file is named. */
export function mongodConfiguration({ addresses, port, dataDirectory, cacheGb }: MongodServer): string {
  return [
    'storage:',
    `  dbPath: ${dataDirectory}`,
    '  wiredTiger:',
    '    engineConfig:',
    `      cacheSizeGB: ${cacheGb}`,
    'net:',
    `  port: ${port}`,
    '  ipv6: true',
    `  bindIp: ${addresses.join(',')}`,
    '  unixDomainSocket:',
    '    enabled: false',
    '',
  ].join('\n')
}
