/** Who is measured. The floors are no processors: each does one half of the work, and nothing else. */
export const contenderNames = ['sluice', 'connect', 'python', 'insert-floor', 'read-floor'] as const
export type ContenderName = (typeof contenderNames)[number]

export const contenderTitles: Record<ContenderName, string> = {
  sluice: 'Sluice',
  connect: 'Kafka Connect + MongoDB sink',
  python: 'Python (insert_one, update_one)',
  'insert-floor': 'floor: insertMany alone',
  'read-floor': 'floor: kafkajs alone',
}
