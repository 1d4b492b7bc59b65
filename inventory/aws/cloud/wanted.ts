import * as v from 'valibot'

/** What an instance is to be. */
export const Wanted = v.strictObject({
  type: v.string(),
  address: v.string(),
  diskGb: v.number(),
  image: v.union([v.string(), v.strictObject({ owner: v.string(), name: v.string() })]),
  /** Security groups, as the stack calls them. */
  groups: v.array(v.string()),
  /** Those by which it becomes a host of the inventory. */
  tags: v.record(v.string(), v.string()),
})
export type Wanted = v.InferOutput<typeof Wanted>
