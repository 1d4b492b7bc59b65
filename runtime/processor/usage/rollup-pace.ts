/** Sums that are behind by more than this are looked at with less regard for others. */
const lateMs = 60_000

/** After work that took t, the keeper rests for this many times t: little while messages wait, more when all is read. */
const restsPerWork = {
  inTime: { busy: 24, idle: 3 },
  late: { busy: 8, idle: 1 },
}

interface Pace {
  busy: boolean
  /** For how long the oldest of what is marked may have been. */
  behindMs: number
}

/** How long to rest after work, so that sums neither take the database from those who write nor stay behind for ever. */
export function restAfter(workMs: number, { busy, behindMs }: Pace): number {
  const rests = behindMs > lateMs ? restsPerWork.late : restsPerWork.inTime
  return workMs * (busy ? rests.busy : rests.idle)
}
