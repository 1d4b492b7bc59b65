import * as v from 'valibot'
import { ImageWish } from './image-wish.ts'

/** What an instance is to be. */
export const Wanted = v.strictObject({
  type: v.string(),
  address: v.string(),
  diskGb: v.number(),
  image: ImageWish,
  /** The one that this is now. Left out where the instance is there: nobody asks then. */
  imageId: v.optional(v.string()),
  /** Security groups, as the stack calls them. */
  groups: v.array(v.string()),
  /** Those by which it becomes a host of the inventory. */
  tags: v.record(v.string(), v.string()),
})
export type Wanted = v.InferOutput<typeof Wanted>
