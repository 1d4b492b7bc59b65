import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { SluiceError } from '../../../engine/errors.ts'
import type { Resource } from '../../../engine/resource.ts'
import { keyOf, parseSavedPlan, savedPlan, unplanned } from '../../../engine/saved-plan.ts'
import { Secret } from '../../../engine/secret.ts'
import { note, scratch } from '../../support/resources.ts'
import { roleOf, trialRun } from '../../support/trial-run.ts'

const about = { by: 'ann@desk', playbook: 'trial', inventory: 'local', tags: [], skipTags: [] }

/** Two hosts with resources of their own; both are planned, and the plan has been through a file. */
async function plannedHosts(resources: Record<'first' | 'second', Resource[]>) {
  const of = (name: 'first' | 'second') => ({
    name,
    hosts: name,
    roles: [roleOf(`of-${name}`, () => resources[name])],
  })
  const plays = [of('first'), of('second')]
  const check = await trialRun({ names: ['first', 'second'], plays, mode: 'check' })
  const text = JSON.stringify(savedPlan(check.hosts, about))
  const plan = parseSavedPlan(text, 'plan.json')
  return { text, apply: () => trialRun({ names: ['first', 'second'], plays, savedPlan: plan }) }
}

test('a plan is carried out as it is while the hosts are as they were', async (t) => {
  const path = join(scratch(), 'note')
  const { apply } = await plannedHosts({ first: [note({ path, content: 'wanted' })], second: [] })

  const { hosts } = await apply()

  t.deepEqual(
    hosts.map(({ status }) => status),
    ['changed', 'ok'],
  )
  t.is(readFileSync(path, 'utf8'), 'wanted')
})

test('where one host is not as it was, nothing is changed on any, and the difference is named', async (t) => {
  const directory = scratch()
  const [one, other] = [join(directory, 'one'), join(directory, 'other')]
  const { apply } = await plannedHosts({
    first: [note({ path: one, content: 'wanted' })],
    second: [note({ path: other, content: 'wanted' })],
  })
  writeFileSync(other, 'moved')

  const { hosts } = await apply()

  t.is(hosts[0]?.reason, 'not tried: the plan is for all of its hosts, and does not hold on second')
  t.is(hosts[1]?.error?.code, 'PLAN_OUTDATED')
  t.is(hosts[1]?.error?.at, 'second')
  t.is(hosts[1]?.error?.why, `note ${other}: planned content absent → wanted, now content moved → wanted`)
  t.false(existsSync(one))
})

test('what is done already and what has come up since are both named', async (t) => {
  const directory = scratch()
  const [one, other] = [join(directory, 'one'), join(directory, 'other')]
  writeFileSync(other, 'wanted')
  const { apply } = await plannedHosts({
    first: [note({ path: one, content: 'wanted' }), note({ path: other, content: 'wanted' })],
    second: [],
  })
  writeFileSync(one, 'wanted')
  writeFileSync(other, 'moved')

  const { hosts } = await apply()

  const why = hosts[0]?.error?.why ?? ''
  t.true(why.includes(`note ${one}: planned content absent → wanted, is as declared now`))
  t.true(why.includes(`note ${other}: not in the plan, now content moved → wanted`))
})

test('a secret is not in a plan, and that another one is to be written is seen all the same', async (t) => {
  const path = join(scratch(), 'note')
  const secret = new Secret('canary-of-a-saved-plan')
  const declared = [note({ path, content: secret.reveal() })]
  const { text, apply } = await plannedHosts({ first: declared, second: [] })
  declared[0] = note({ path, content: new Secret('canary-of-another-plan').reveal() })

  const { hosts } = await apply()

  t.notRegex(text, /canary/)
  t.is(hosts[0]?.error?.code, 'PLAN_OUTDATED')
  t.regex(hosts[0]?.error?.why ?? '', /not from or to the same text as planned/)
})

test('a plan that is damaged or of another version is refused with what is wrong in it', (t) => {
  const whole = savedPlan([], about)

  const later = t.throws(() => parseSavedPlan(JSON.stringify({ ...whole, version: 2 }), 'plan.json'), {
    instanceOf: SluiceError,
  })
  const half = t.throws(() => parseSavedPlan('{', 'plan.json'), { instanceOf: SluiceError })

  t.regex(later?.subject ?? '', /version should be 1, got 2/)
  t.is(later?.at, 'plan.json')
  t.is(half?.subject, 'the plan is not JSON')
})

test('while a plan is carried out, a change that is not in it is named with what differs', (t) => {
  const place = { host: 'vm1', play: 'kafka', role: 'kafka', resource: 'file /etc/x' }
  const change = { ...place, changes: [{ property: 'mode', have: '0644', want: '0600' }] }

  t.is(unplanned(undefined, change), undefined)
  t.is(unplanned(new Set([keyOf(place)]), change), undefined)
  t.like(unplanned(new Set(), change), {
    code: 'PLAN_OUTDATED',
    at: 'vm1',
    why: 'file /etc/x: not in the plan, now differs in mode',
  })
})
