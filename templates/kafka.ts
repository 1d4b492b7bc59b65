import { properties } from './ini.ts'

export interface KafkaServer {
  brokerId: number
  address: string
  port: number
  zookeeper: string
  dataDirectory: string
  partitions: number
  retentionHours: number
}

/** Kafka's server.properties. One listener, on the private address: what is advertised is what is listened on. */
export function kafkaServerProperties(server: KafkaServer): string {
  const place = `${server.address.includes(':') ? `[${server.address}]` : server.address}:${server.port}`
  return properties({
    'broker.id': server.brokerId,
    listeners: `PLAINTEXT://${place}`,
    'advertised.listeners': `PLAINTEXT://${place}`,
    'log.dirs': server.dataDirectory,
    'zookeeper.connect': server.zookeeper,
    'zookeeper.connection.timeout.ms': 18_000,
    // After a crash the broker may register again only when its former session has ended, and else ends itself once
    // more: it should have ended by the time that systemd has started the next (2 s, and about 3 s for the JVM).
    'zookeeper.session.timeout.ms': 4_000,
    'auto.create.topics.enable': false,
    'num.partitions': server.partitions,
    'default.replication.factor': 1,
    'offsets.topic.replication.factor': 1,
    'transaction.state.log.replication.factor': 1,
    'transaction.state.log.min.isr': 1,
    'group.initial.rebalance.delay.ms': 0,
    'log.retention.hours': server.retentionHours,
    'controlled.shutdown.enable': true,
  })
}

/** Kafka logs to the journal, which has times and limits of its own. */
export function kafkaLogging(): string {
  return properties({
    'log4j.rootLogger': 'INFO, stdout',
    'log4j.appender.stdout': 'org.apache.log4j.ConsoleAppender',
    'log4j.appender.stdout.layout': 'org.apache.log4j.PatternLayout',
    'log4j.appender.stdout.layout.ConversionPattern': '%p %m (%c)%n',
    'log4j.logger.org.apache.zookeeper': 'WARN',
    'log4j.logger.kafka.request.logger': 'WARN',
    'log4j.logger.kafka.log.LogCleaner': 'WARN',
  })
}
