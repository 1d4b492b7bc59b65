import * as v from 'valibot'
import { SluiceError } from '../errors.ts'
import { type Change, concerns, defineResource, run, type Touched } from '../resource.ts'
import { AbsolutePath } from '../schemas.ts'
import { lines, type Script, sh, write } from '../shell.ts'
import { keepFormer, restoreFormer } from './former.ts'
import { lastWords } from './last-words.ts'
import { recordingDropIn, staleFiles } from './loaded-files.ts'
import {
  dropInPath,
  forgetLoads,
  parseUnit,
  parseUnits,
  tellUnit,
  tellUnits,
  type UnitQuestion,
  type UnitState,
  unitPath,
} from './unit-state.ts'

const UnitName = v.pipe(
  v.string(),
  v.regex(
    /^[a-zA-Z0-9:_.@\\-]+\.(service|socket|timer|target|path|mount)$/,
    'should be a unit name such as kafka.service',
  ),
)

/** It stands in a unit file as it is. */
const LoadedPath = v.pipe(
  AbsolutePath,
  v.regex(/^[a-zA-Z0-9_.@:+/-]+$/, 'should be a path of letters, digits and . _ @ : + -'),
)

const Spec = v.strictObject({
  unit: v.pipe(UnitName, v.description('its name')),
  content: v.pipe(
    v.optional(v.string()),
    v.description('the unit file; left out for a unit that a package brings'),
  ),
  enabled: v.pipe(v.optional(v.boolean()), v.description('whether it starts with the host')),
  state: v.pipe(v.optional(v.picklist(['running', 'stopped'])), v.description('whether it runs now')),
  loads: v.pipe(
    v.optional(v.array(LoadedPath), []),
    v.description(
      'files and links that its process reads when it starts: it is restarted when they are no longer what it read',
    ),
  ),
  onChange: v.pipe(
    v.optional(v.picklist(['restart', 'reload']), 'restart'),
    v.description('how it takes up a change of what it loads'),
  ),
  startTimeoutSeconds: v.pipe(
    v.optional(v.number(), 120),
    v.description('how long a start or restart may take'),
  ),
})
type Spec = v.InferOutput<typeof Spec>

/** Everything that a restart would take up: the unit file too, where it is ours. */
const loadedPaths = ({ unit, content, loads }: Spec) =>
  content === undefined ? loads : [unitPath(unit), ...loads]

const dropInContent = (spec: Spec) =>
  recordingDropIn(loadedPaths(spec), { onReload: spec.onChange === 'reload' })

const question = (spec: Spec): UnitQuestion => ({
  unit: spec.unit,
  content: spec.content,
  dropIn: dropInContent(spec),
  loads: loadedPaths(spec),
})

/** Only services load files at a start of their own. */
const records = ({ unit, state, loads, content }: Spec) =>
  unit.endsWith('.service') && state === 'running' && (loads.length > 0 || content !== undefined)

/** A systemd unit: its file, whether it is enabled, whether it runs, and that it runs with what is on disk. */
export const systemdUnit = defineResource<typeof Spec, UnitState>({
  kind: 'unit',
  spec: Spec,
  id: ({ unit }) => unit,
  reads: (spec) => [`unit:${spec.unit}`, ...loadedPaths(spec).map((path) => `content:${path}`)],
  touches: (spec) => [
    `unit:${spec.unit}`,
    ...(spec.content === undefined ? [] : [`content:${unitPath(spec.unit)}`]),
  ],

  probe: (spec) => ({
    script: tellUnit(question(spec)),
    parse: (output) => parseUnit(spec.unit, output),
  }),

  probeTogether(specs) {
    const asked = specs.map(question)
    return { script: tellUnits(asked), parse: (output) => parseUnits(asked, output) }
  },

  diff: (spec, have) => unitChanges(spec, have),

  predict: (spec, have, touched) => unitChanges(spec, have, touched),

  refuse: (spec, have, pending) => refuseMasked(spec, have, pending),

  apply(spec, have) {
    const changes = unitChanges(spec, have).map(({ property }) => property)
    const { unit, content, enabled, state } = spec
    const steps: Script[] = []
    if (content !== undefined && changes.includes('content')) steps.push(place(unitPath(unit), content))
    if (changes.includes('drop-in'))
      steps.push(sh`mkdir -p -- ${`${unitPath(unit)}.d`}`, place(dropInPath(unit), dropInContent(spec)))
    if (enabled !== undefined && changes.includes('enabled')) {
      steps.push(sh`systemctl ${enabled ? 'enable' : 'disable'} --quiet --no-reload -- ${unit}`)
    }
    // One for all of these; systemd also keeps until then whether a unit that it was asked about is enabled.
    if (have?.needsReload || changes.some((change) => change !== 'state' && change !== spec.onChange)) {
      steps.push(sh`systemctl daemon-reload`)
    }
    if (state === 'stopped' && changes.includes('state')) steps.push(sh`systemctl stop -- ${unit}`)
    if (state === 'running' && changes.some((change) => change !== 'enabled')) {
      const running = have?.activeState === 'active' || have?.activeState === 'activating'
      const verb = !running
        ? 'start'
        : spec.onChange === 'reload' && !changes.includes('state')
          ? 'reload'
          : 'restart'
      steps.push(startOrExplain(verb, unit, spec))
    }
    return [run(lines(steps), { timeoutSeconds: spec.startTimeoutSeconds + 30 })]
  },

  restores: isFound,
  remove({ unit, content }, have) {
    if (isFound({ unit, content })) {
      return have.dropIn === undefined ? [] : [run(sh`${forgetLoads(unit)}; systemctl daemon-reload`)]
    }
    if (!have.ours && have.dropIn === undefined && have.activeState !== 'active') return []
    return [
      run(sh`
        systemctl disable --quiet --now -- ${unit} || systemctl stop -- ${unit} || :
        ${forgetLoads(unit)}
        ${restoreFormer(unitPath(unit))}
        systemctl daemon-reload
        systemctl reset-failed -- ${unit} 2>/dev/null || :
      `),
    ]
  },
})

/** Who masks a unit wants that it never starts: that is not ours to undo, and starting or enabling it would fail. */
function refuseMasked(
  { unit, enabled, state }: Spec,
  have: UnitState | undefined,
  pending: readonly string[],
): SluiceError | undefined {
  const wanted = [...(enabled ? ['enabled'] : []), ...(state === 'running' ? ['running'] : [])].join(' and ')
  if (have?.loadState !== 'masked' || wanted === '') return undefined
  if (pending.some((subject) => concerns(subject, `unit:${unit}`))) return undefined
  const untilRestart = have.enabled === 'masked-runtime'
  return new SluiceError('OVERRULED', {
    subject: `${unit} should be ${wanted}, and is masked`,
    why: `${untilRestart ? '/run' : '/etc'}/systemd/system/${unit} points to /dev/null: it was decided on the host that it must not start`,
    advice: `see why; then, on the host, systemctl unmask ${untilRestart ? '--runtime ' : ''}${unit}, and run again`,
  })
}

function place(path: string, content: string): Script {
  const staged = `${path}.sluice-staged`
  return lines([
    write(staged, content),
    sh`chmod 0644 -- ${staged}`,
    keepFormer(path),
    sh`mv --no-target-directory -- ${staged} ${path}`,
  ])
}

/** systemctl says no more than that a job failed; what the process said is in its journal. */
function startOrExplain(verb: string, unit: string, { startTimeoutSeconds }: Spec): Script {
  return sh`systemctl reset-failed -- ${unit} 2>/dev/null || :
timeout ${startTimeoutSeconds} systemctl ${verb} -- ${unit} || {
  code=$?
  ${lastWords(unit)} >&2
  exit "$code"
}`
}

/** A unit of somebody else; an instance has no file of its own either, but runs only because it was declared. */
function isFound({ unit, content }: Pick<Spec, 'unit' | 'content'>): boolean {
  return content === undefined && !/@[^.]/.test(unit)
}

function unitChanges(spec: Spec, have: UnitState | undefined, touched: readonly Touched[] = []): Change[] {
  const { content, enabled, state } = spec
  const changes: Change[] = []
  const text = (property: string, is: string | undefined, want: string) => {
    if (is === want) return
    const size = (value: string) => `${value.split('\n').length - 1} lines`
    changes.push({ property, have: is && size(is), want: size(want), text: { have: is, want } })
  }
  if (content !== undefined) text('content', have?.content, content)
  if (records(spec)) text('drop-in', have?.dropIn, dropInContent(spec))
  const isEnabled = have?.enabled.startsWith('enabled') ?? false
  // A unit that says nothing of when it starts cannot be enabled; with another content it may say so.
  const fixed = have?.enabled === 'static' && changes.every(({ property }) => property !== 'content')
  if (enabled !== undefined && isEnabled !== enabled && !fixed) {
    changes.push({ property: 'enabled', have: String(isEnabled), want: String(enabled) })
  }
  const running = have?.activeState === 'active'
  if (state !== undefined && (state === 'running') !== (running || (state === 'stopped' && isGoing(have)))) {
    changes.push({ property: 'state', have: have?.activeState ?? 'absent', want: state })
  }
  const stale = running && records(spec) ? staleFiles(loadedPaths(spec), have.files, touched) : []
  if (stale.length > 0)
    changes.push({ property: spec.onChange, have: `due, because ${changedSince(stale)}`, want: 'done' })
  if (have?.needsReload && changes.length === 0) {
    changes.push({ property: 'definition', have: 'as systemd read it', want: 'as on disk' })
  }
  return changes
}

function changedSince([first = '', ...others]: readonly string[]): string {
  if (others.length === 0) return `${first} is not what it started with`
  return `${first} and ${others.length} more are not what it started with`
}

function isGoing(have: UnitState | undefined): boolean {
  return have?.activeState === 'activating' || have?.activeState === 'reloading'
}
