import { type ChildProcess, spawn } from 'node:child_process'
import { mkdir, open, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Kafka, logLevel } from 'kafkajs'
import { freePort } from './free-port.ts'

/** A program that a test runs: it can be killed, and started again with what it left on disk. */
export interface Service {
  readonly pid: number | undefined
  start(): Promise<void>
  /** Ends it at once, as a crash would. */
  kill(): Promise<void>
  /** Ends it in its own way. */
  stop(): Promise<void>
}

export interface Services {
  bootstrap: string
  mongodbUri: string
  zookeeper: Service
  kafka: Service
  mongodb: Service
  stop(): Promise<void>
}

export interface ServicesOptions {
  /** Where everything is written: logs, configuration and what the services store. Removed by `stop`. */
  directory: string
  /** Folders with `libs/*.jar`, and for mongod with `bin/mongod`. */
  kafkaHome: string
  zookeeperHome: string
  mongodbHome: string
  kafkaHeap?: string
}

/** Starts a real ZooKeeper, Kafka and mongod on loopback, on free ports. */
export async function startServices({
  directory,
  kafkaHome,
  zookeeperHome,
  mongodbHome,
  kafkaHeap = '512m',
}: ServicesOptions): Promise<Services> {
  const kafkaPort = await freePort()
  const zookeeperPort = await freePort()
  const mongodbPort = await freePort()
  await mkdir(join(directory, 'mongodb'), { recursive: true })
  await writeFile(join(directory, 'zoo.cfg'), zookeeperConfiguration(directory, zookeeperPort))
  await writeFile(
    join(directory, 'server.properties'),
    kafkaConfiguration(directory, kafkaPort, zookeeperPort),
  )
  await writeFile(join(directory, 'log4j.properties'), log4jConfiguration)
  const log4j = `-Dlog4j.configuration=file:${join(directory, 'log4j.properties')}`

  const zookeeper = service({
    command: [
      'java',
      '-Xmx128m',
      '-Dzookeeper.admin.enableServer=false',
      '-cp',
      join(zookeeperHome, 'libs', '*'),
      'org.apache.zookeeper.server.quorum.QuorumPeerMain',
      join(directory, 'zoo.cfg'),
    ],
    output: join(directory, 'zookeeper.log'),
    port: zookeeperPort,
  })
  const kafka = service({
    command: [
      'java',
      `-Xmx${kafkaHeap}`,
      log4j,
      '-cp',
      join(kafkaHome, 'libs', '*'),
      'kafka.Kafka',
      join(directory, 'server.properties'),
    ],
    output: join(directory, 'kafka.log'),
    port: kafkaPort,
  })
  const mongodb = service({
    command: [
      join(mongodbHome, 'bin', 'mongod'),
      ...['--dbpath', join(directory, 'mongodb'), '--port', String(mongodbPort), '--bind_ip', '127.0.0.1'],
      ...['--wiredTigerCacheSizeGB', '0.5', '--unixSocketPrefix', directory],
    ],
    output: join(directory, 'mongodb.log'),
    port: mongodbPort,
  })
  const bootstrap = `127.0.0.1:${kafkaPort}`
  const stop = async () => {
    await Promise.all([mongodb.stop(), kafka.kill()])
    await zookeeper.kill()
    await rm(directory, { recursive: true, force: true })
  }
  try {
    await zookeeper.start()
    await Promise.all([kafka.start(), mongodb.start()])
    await becomesController(bootstrap)
  } catch (error) {
    await Promise.all([mongodb.kill(), kafka.kill(), zookeeper.kill()])
    throw error
  }
  return { bootstrap, mongodbUri: `mongodb://127.0.0.1:${mongodbPort}/ca0`, zookeeper, kafka, mongodb, stop }
}

function service({ command, output, port }: { command: string[]; output: string; port: number }): Service {
  let child: ChildProcess | undefined
  const end = async (signal: NodeJS.Signals) => {
    const running = child
    child = undefined
    if (running === undefined || running.exitCode !== null || running.signalCode !== null) return
    const ended = new Promise((resolve) => running.once('exit', resolve))
    running.kill(signal)
    await ended
  }
  return {
    get pid() {
      return child?.pid
    },
    async start() {
      const [program = '', ...words] = command
      // A broker that was killed may not come back before ZooKeeper has missed it: the first start or two then end.
      for (let attempts = 1; ; attempts += 1) {
        const log = await open(output, 'a')
        child = spawn(program, words, { stdio: ['ignore', log.fd, log.fd] })
        child.on('error', () => undefined)
        await log.close()
        if (await listening(port, child)) return
        await end('SIGKILL')
        if (attempts === 5) throw new Error(`${program} does not listen on port ${port}; see ${output}`)
        await sleep(1000)
      }
    },
    kill: () => end('SIGKILL'),
    stop: () => end('SIGTERM'),
  }
}

async function listening(port: number, child: ChildProcess): Promise<boolean> {
  const deadline = Date.now() + 180_000
  const lives = () => child.pid !== undefined && child.exitCode === null && child.signalCode === null
  while (Date.now() < deadline && lives()) {
    const open = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1')
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
      socket.once('connect', () => socket.destroy())
    })
    if (open) return true
    await sleep(100)
  }
  return false
}

/** The port is open a while before the broker has become the controller, which makes topics. */
async function becomesController(bootstrap: string): Promise<void> {
  const admin = new Kafka({ brokers: [bootstrap], logLevel: logLevel.NOTHING }).admin()
  const deadline = Date.now() + 180_000
  for (;;) {
    try {
      await admin.connect()
      if ((await admin.describeCluster()).controller !== null) break
      throw new Error(`the broker ${bootstrap} has not become the controller`)
    } catch (error) {
      if (Date.now() > deadline) throw error
      await sleep(200)
    }
  }
  await admin.disconnect()
}

const zookeeperConfiguration = (directory: string, port: number) => `dataDir=${directory}/zookeeper
clientPort=${port}
clientPortAddress=127.0.0.1
tickTime=1000
`

const kafkaConfiguration = (directory: string, port: number, zookeeperPort: number) => `broker.id=0
listeners=PLAINTEXT://127.0.0.1:${port}
advertised.listeners=PLAINTEXT://127.0.0.1:${port}
zookeeper.connect=127.0.0.1:${zookeeperPort}
zookeeper.session.timeout.ms=3000
log.dirs=${directory}/kafka
auto.create.topics.enable=false
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
group.initial.rebalance.delay.ms=0
`

const log4jConfiguration = `log4j.rootLogger=WARN, stdout
log4j.appender.stdout=org.apache.log4j.ConsoleAppender
log4j.appender.stdout.layout=org.apache.log4j.PatternLayout
log4j.appender.stdout.layout.ConversionPattern=%d %p %m (%c)%n
`
