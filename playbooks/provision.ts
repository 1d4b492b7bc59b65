import { definePlaybook } from '../engine/playbook.ts'
import { java } from '../roles/java.ts'
import { kafka } from '../roles/kafka/kafka.ts'
import { kafkaTopics } from '../roles/kafka/topics.ts'
import { mongodb } from '../roles/mongodb/mongodb.ts'
import { node } from '../roles/node.ts'
import { processor } from '../roles/processor.ts'
import { producer } from '../roles/producer.ts'
import { zookeeper } from '../roles/zookeeper.ts'
import { foundation } from './harden.ts'

export const provision = definePlaybook({
  name: 'provision',
  summary: 'Turns bare hosts into the running pipeline',
  plays: [
    foundation,
    { name: 'kafka', hosts: 'kafka', roles: [java, zookeeper, kafka, kafkaTopics] },
    { name: 'mongodb', hosts: 'mongodb', roles: [mongodb] },
    { name: 'processor', hosts: 'processor', roles: [node, processor], needs: ['kafka', 'mongodb'] },
    { name: 'producers', hosts: 'producers', roles: [node, producer], needs: ['kafka'] },
  ],
})
