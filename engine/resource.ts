import * as v from 'valibot'
import type { SluiceError } from './errors.ts'
import type { Script } from './shell.ts'
import type { Connection } from './transport/connection.ts'

/** One property that is not as declared. `undefined` is "not there". */
export interface Change {
  property: string
  have: string | undefined
  want: string | undefined
  /** For long texts: both sides whole, for `--diff`. */
  text?: { have: string | undefined; want: string }
}

/** A subject that a pending change touches, with the content that it will then have, where that is known. */
export interface Touched {
  subject: string
  content: string | undefined
}

/** One action on a host. Steps are values: only `apply.ts` carries them out. */
export type Step =
  | { kind: 'script'; script: Script; timeoutSeconds?: number }
  | {
      kind: 'upload'
      localPath: string
      remotePath: string
      sizeBytes: number
      summary: string
      stallSeconds?: number
    }
  | { kind: 'controller'; summary: string; act(access: ControllerAccess): Promise<void> }

/** Where artifacts are kept on the controller, and the mirror that the user named. */
export interface ArtifactSettings {
  cacheDirectory: string
  mirror?: string | undefined
}

/** What a resource that is read from the controller may use to reach the host's services. */
export interface ControllerAccess {
  connection: Connection
  artifacts: ArtifactSettings
  signal: AbortSignal | undefined
  /** Says how far a long action is. */
  progress(message: string): void
}

/** A read-only piece of shell whose output `parse` turns into the state, `undefined` being "not there". */
export interface HostProbe<Have> {
  script: Script
  /** @param output what the script printed, without its last newline, as lines */
  parse(output: string[]): Have | undefined
}

/** What was found; `have` is undefined where nothing is there. */
export interface Answer<Have> {
  have: Have | undefined
}

/** Reads many of a kind by one script: a host takes longer to start a command than to do what it is for. */
export interface JointProbe<Have> {
  script: Script
  /** An answer for each, in order; none (`undefined`) for one that has to be asked by its own probe. */
  parse(output: string[]): (Answer<Have> | undefined)[]
}

/** For state that only a protocol tells (topics, indexes): read on the controller through the host's connection. */
export interface ControllerProbe<Have> {
  read(access: ControllerAccess): Promise<Have | undefined>
}

export type Probe<Have> = HostProbe<Have> | ControllerProbe<Have>

/** How a host takes back, by itself, a change that has shut the controller out. */
export interface Guard {
  /** Files that are put back as they were, or removed when they were not there. */
  paths: string[]
  /** Then makes the running system agree with them. `$cause` is `boot` when the host is starting and nothing runs yet. */
  restore: Script
  /** Where SSH answers after the change, when it is meant to be elsewhere. */
  sshPort?: number | undefined
  /**
   * For a change that by itself does nothing yet: the guard then also covers what follows, up to the last that reads what
   * was changed, and it takes effect so long after that at the latest.
   */
  settleSeconds?: number
}

/**
 * A thing on a host that is as declared or is not.
 *
 * `reads` and `touches` name subjects (`path:/etc/hosts`, `content:/etc/hosts`, `unit:ssh.service`, `package:ufw`):
 * after a change the engine probes again the later resources that read what it touched.
 * A subject also stands for everything below it, as paths do.
 */
export interface Resource<Have = unknown, Prepared = unknown> {
  kind: string
  id: string
  reads: string[]
  /** Subjects that decide only whether it may be changed: they do not alter what its change is. */
  heeds?: string[]
  touches(changes: Change[]): string[]
  probe: Probe<Have>
  /** Its kind, where that can read many at once; those of one kind are asked together. */
  joint?: { kind: JointKind; spec: unknown }
  diff(have: Have | undefined): Change[]
  /** What a pending change of a subject that this reads will make of it; without this, "known later". */
  predict?(have: Have | undefined, touched: Touched[]): Change[]
  /**
   * Why it cannot be brought to what is declared, as the host is: a plan says so before anything is changed.
   *
   * @param pending subjects that it reads or heeds and that earlier changes will touch
   */
  refuse?(have: Have | undefined, pending: readonly string[]): SluiceError | undefined
  /** Work on the controller that must come before the steps are known, for example fetching a file. */
  prepare?(access: ControllerAccess): Promise<Prepared>
  apply(have: Have | undefined, prepared: Prepared): Step[]
  /** What is changed, where only the preparation tells: a source that could be had, for example. */
  settle?(have: Have | undefined, prepared: Prepared): Change[]
  /** Undoes what `apply` made, for `destroy`; kinds without it leave nothing behind. */
  remove?(have: Have): Step[]
  /** It is part of every host: its removal gives back what was there before. */
  restores: boolean
  /** A mistake here can lock the controller out: how the host then takes the change back. */
  guard?: Guard
  /** It only waits for what others cause: that it does not hold yet is no change of the host. */
  waits: boolean
  /** Whether removing it loses what a user may want to keep; `destroy` then needs `--data`. */
  holdsData: boolean
}

/** How many of a kind are read at once. */
export interface JointKind {
  probe(specs: readonly unknown[]): JointProbe<unknown>
}

export interface ResourceDefinition<Schema extends v.GenericSchema, Have, Prepared> {
  kind: string
  spec: Schema
  id(spec: v.InferOutput<Schema>): string
  reads(spec: v.InferOutput<Schema>): string[]
  heeds?(spec: v.InferOutput<Schema>): string[]
  touches(spec: v.InferOutput<Schema>, changes: Change[]): string[]
  probe(spec: v.InferOutput<Schema>): Probe<Have>
  /** Reads many at once. What it cannot tell, and all of them when its script fails, is asked by `probe`. */
  probeTogether?(specs: readonly v.InferOutput<Schema>[]): JointProbe<Have>
  diff(spec: v.InferOutput<Schema>, have: Have | undefined): Change[]
  predict?(spec: v.InferOutput<Schema>, have: Have | undefined, touched: Touched[]): Change[]
  refuse?(
    spec: v.InferOutput<Schema>,
    have: Have | undefined,
    pending: readonly string[],
  ): SluiceError | undefined
  prepare?(spec: v.InferOutput<Schema>, access: ControllerAccess): Promise<Prepared>
  apply(spec: v.InferOutput<Schema>, have: Have | undefined, prepared: Prepared): Step[]
  settle?(spec: v.InferOutput<Schema>, have: Have | undefined, prepared: Prepared): Change[]
  remove?(spec: v.InferOutput<Schema>, have: Have): Step[]
  restores?(spec: v.InferOutput<Schema>): boolean
  guard?(spec: v.InferOutput<Schema>): Guard | undefined
  waits?: boolean
  holdsData?(spec: v.InferOutput<Schema>): boolean
}

/** Makes resources of one kind; it knows its schema, from which the reference is written. */
export type ResourceKind<Schema extends v.GenericSchema> = ((input: v.InferInput<Schema>) => Resource) & {
  kind: string
  spec: Schema
}

/**
 * Defines a kind of resource; the result makes resources of that kind from their specs.
 *
 * @throws TypeError (from the result) when a spec does not fit its schema: a mistake in a role
 */
export function defineResource<Schema extends v.GenericSchema, Have, Prepared = undefined>(
  definition: ResourceDefinition<Schema, Have, Prepared>,
): ResourceKind<Schema> {
  const { probeTogether } = definition
  // The specs that come back are those that `make` put into resources of this kind.
  const jointKind = probeTogether && {
    probe: (specs: readonly unknown[]) => probeTogether(specs as v.InferOutput<Schema>[]),
  }
  const make = (input: v.InferInput<Schema>): Resource => {
    const parsed = v.safeParse(definition.spec, input)
    if (!parsed.success) {
      const issues = parsed.issues.map((issue) => `${v.getDotPath(issue) ?? 'spec'}: ${issue.message}`)
      throw new TypeError(`${definition.kind}: ${issues.join('; ')}`)
    }
    const spec = parsed.output
    const { predict, refuse, prepare, settle, remove } = definition
    const guard = definition.guard?.(spec)
    const resource: Resource<Have, Prepared> = {
      kind: definition.kind,
      id: definition.id(spec),
      reads: definition.reads(spec),
      ...(definition.heeds && { heeds: definition.heeds(spec) }),
      touches: (changes) => definition.touches(spec, changes),
      probe: definition.probe(spec),
      ...(jointKind && { joint: { kind: jointKind, spec } }),
      diff: (have) => definition.diff(spec, have),
      ...(predict && { predict: (have, touched) => predict(spec, have, touched) }),
      ...(refuse && { refuse: (have, pending) => refuse(spec, have, pending) }),
      ...(prepare && { prepare: (access) => prepare(spec, access) }),
      apply: (have, prepared) => definition.apply(spec, have, prepared),
      ...(settle && { settle: (have, prepared) => settle(spec, have, prepared) }),
      ...(remove && { remove: (have) => remove(spec, have) }),
      ...(guard && { guard }),
      restores: definition.restores?.(spec) ?? false,
      waits: definition.waits ?? false,
      holdsData: definition.holdsData?.(spec) ?? false,
    }
    // The engine keeps what `probe` gave for a resource and hands it back to that same resource only.
    return resource as Resource
  }
  return Object.assign(make, { kind: definition.kind, spec: definition.spec })
}

/** Whether what is known of a resource does not hold any more when this subject is touched. */
export function isStaleBy(
  { reads, heeds = [] }: Pick<Resource, 'reads' | 'heeds'>,
  subject: string,
): boolean {
  return [...reads, ...heeds].some((read) => concerns(subject, read))
}

/** A resource's name in output: kind and id. */
export function resourceName({ kind, id }: Pick<Resource, 'kind' | 'id'>): string {
  return `${kind} ${id}`
}

/** Whether a change of the subject `touched` can alter what is known of the subject `read`. */
export function concerns(touched: string, read: string): boolean {
  return read === touched || read.startsWith(touched.endsWith('/') ? touched : `${touched}/`)
}

/** A step that runs shell on the host. */
export function run(script: Script, options: { timeoutSeconds?: number } = {}): Step {
  return { kind: 'script', script, ...options }
}

/** The properties of `want` that `have` does not have; those that `want` leaves out (`undefined`) are not managed. */
export function compare<Key extends string>(
  want: Partial<Record<Key, string | undefined>>,
  have: Partial<Record<NoInfer<Key>, string | undefined>> | undefined,
): Change[] {
  return (Object.keys(want) as Key[])
    .filter((property) => want[property] !== undefined && want[property] !== have?.[property])
    .map((property) => ({ property, have: have?.[property], want: want[property] }))
}
