import { type Assets, readAssets } from './read-assets.ts'

/** The page. When the processor is bundled, this file is replaced by what it gives. */
export const assets: Assets = readAssets()
