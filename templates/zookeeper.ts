import { properties } from './ini.ts'

export interface ZookeeperServer {
  port: number
  dataDirectory: string
}

/** zoo.cfg for one server that only its own host may reach. The admin server is off; old snapshots are purged. */
export function zookeeperConfiguration({ port, dataDirectory }: ZookeeperServer): string {
  return properties({
    // Sessions end on a tick, the shortest after two. The two limits, in ticks, are for ensembles.
    tickTime: 1000,
    initLimit: 10,
    syncLimit: 5,
    dataDir: dataDirectory,
    clientPortAddress: '127.0.0.1',
    clientPort: port,
    maxClientCnxns: 0,
    'admin.enableServer': false,
    'autopurge.snapRetainCount': 10,
    'autopurge.purgeInterval': 1,
    '4lw.commands.whitelist': 'ruok,srvr',
  })
}

/** ZooKeeper logs to the journal, which has times and limits of its own. */
export function zookeeperLogging(): string {
  return [
    '<configuration>',
    '  <appender name="STDOUT" class="ch.qos.logback.core.ConsoleAppender">',
    '    <encoder><pattern>%p %m \\(%logger{0}\\)%n</pattern></encoder>',
    '  </appender>',
    '  <root level="INFO"><appender-ref ref="STDOUT" /></root>',
    '</configuration>',
    '',
  ].join('\n')
}
