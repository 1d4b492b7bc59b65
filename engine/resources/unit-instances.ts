import * as v from 'valibot'
import { defineResource, run } from '../resource.ts'
import { lines, sh } from '../shell.ts'
import { forgetLoads } from './unit-state.ts'

const Spec = v.strictObject({
  template: v.pipe(
    v.string(),
    v.regex(/^[a-zA-Z0-9:_.-]+@\.service$/, 'should be a template such as producer@.service'),
    v.description('the template unit'),
  ),
  keep: v.pipe(
    v.array(v.string()),
    v.description('the instances that are declared, each as a unit of its own'),
  ),
})
type Spec = v.InferOutput<typeof Spec>

interface Have {
  /** Instances that run, or start with the host. */
  instances: string[]
}

/** The instances of a template unit: those that nobody declares any more are stopped and start no more. */
export const unitInstances = defineResource<typeof Spec, Have>({
  kind: 'instances',
  spec: Spec,
  id: ({ template }) => template,
  reads: ({ template, keep }) => keep.map((instance) => `unit:${nameOf(template, instance)}`),
  touches: ({ template }) => [`unit:${template}`],

  probe: ({ template }) => ({
    script: sh`
      systemctl list-units --plain --no-legend --no-pager --state active,activating,failed -- ${nameOf(template, '*')} | cut -d ' ' -f 1
      find /etc/systemd/system -path '*.wants/*' -name ${nameOf(template, '?*')} -printf '%f\\n'`,
    parse: (output) => ({ instances: [...new Set(output)].sort() }),
  }),

  diff: (spec, have) =>
    surplus(spec, have).map((unit) => ({ property: unit, have: 'running or enabled', want: undefined })),

  apply: (spec, have) => [stop(surplus(spec, have))],

  // Declared ones are units of their own, and go as these.
  remove: (spec, have) => {
    const units = surplus(spec, have)
    return units.length === 0 ? [] : [stop(units)]
  },
})

const nameOf = (template: string, instance: string) => template.replace('@.', `@${instance}.`)

function surplus({ template, keep }: Spec, have: Have | undefined): string[] {
  const declared = keep.map((instance) => nameOf(template, instance))
  return (have?.instances ?? []).filter((unit) => !declared.includes(unit))
}

function stop(units: string[]) {
  return run(sh`
    systemctl disable --quiet --now -- ${units}
    ${lines(units.map(forgetLoads))}
    systemctl daemon-reload
    systemctl reset-failed -- ${units} 2>/dev/null || :`)
}
