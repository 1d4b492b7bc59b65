import type { Session } from './session.ts'

/** Carries a command out; gives the exit code. */
export type Execute = (work: (session: Session) => Promise<number> | number) => Promise<void>
