import type { Filter, InstanceStateName, ResourceType, Tag, TagSpecification } from '@aws-sdk/client-ec2'
import * as v from 'valibot'

/** The tag that everything carries that `sluice up` makes; its value is the project. Nothing else is ever removed. */
export const stackTag = 'sluice-stack'
/** What a thing is within its stack: `vpc`, `security-group kafka`, `instance vm1`. */
export const partTag = 'sluice-part'

/** What belongs together at AWS: made by one `sluice up`, removed by one `sluice destroy`. */
export const Stack = v.strictObject({
  name: v.string(),
  /** Tags that everything in it carries besides ours: those by which the inventory finds instances. */
  tags: v.record(v.string(), v.string()),
  nameTag: v.string(),
})
export type Stack = v.InferOutput<typeof Stack>

export interface Tagged {
  Tags?: Tag[] | undefined
}

/** The tags of a part, given with the request that makes it: there is no moment in which it has none. */
export function tagsOf(
  stack: Stack,
  part: string,
  { name = `${stack.name} ${part}`, ...others }: { name?: string; [tag: string]: string } = {},
): Record<string, string> {
  return { ...stack.tags, [stack.nameTag]: name, [stackTag]: stack.name, [partTag]: part, ...others }
}

export function tagSpecification(ResourceType: ResourceType, tags: Record<string, string>): TagSpecification {
  return { ResourceType, Tags: tagList(tags) }
}

export function tagList(tags: Record<string, string>): Tag[] {
  return Object.entries(tags).map(([Key, Value]) => ({ Key, Value }))
}

export function tagOf({ Tags = [] }: Tagged, key: string): string | undefined {
  return Tags.find(({ Key }) => Key === key)?.Value
}

/** What carries the tag of a stack. */
export function stackFilter({ name }: Pick<Stack, 'name'>): Filter[] {
  return [{ Name: `tag:${stackTag}`, Values: [name] }]
}

/** Those that are this part of their stack; more than one where a request was answered into the void and sent again. */
export function partsOf<Thing extends Tagged>(things: readonly Thing[], part: string): Thing[] {
  return things.filter((thing) => tagOf(thing, partTag) === part)
}

/** What a security group is within its stack. */
export function groupPart(name: string): string {
  return `security-group ${name}`
}

/** What an instance is within its stack. */
export function instancePart(name: string): string {
  return `instance ${name}`
}

/** The states of an instance that will not come back. */
export const goingAway: (InstanceStateName | undefined)[] = ['shutting-down', 'terminated']
