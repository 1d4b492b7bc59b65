/** Who is measured. The floors are no processors: each does one half of the work, and nothing else. */
export const contenderNames = [
  'sluice',
  'connect',
  'connect-keyed',
  'python',
  'insert-floor',
  'read-floor',
] as const
export type ContenderName = (typeof contenderNames)[number]

export const contenderTitles: Record<ContenderName, string> = {
  sluice: 'Sluice',
  connect: 'Kafka Connect + MongoDB sink',
  'connect-keyed': 'the same, event_id as _id',
  python: 'Python (insert_one, update_one)',
  'insert-floor': 'floor: insertMany alone',
  'read-floor': 'floor: kafkajs alone',
}
