#!/usr/bin/env node
import { keepCompiledCode } from './engine/compile-cache.ts'

// What is imported before this is compiled at each start.
keepCompiledCode()
const [{ main }, { project }] = await Promise.all([import('./engine/cli/main.ts'), import('./project.ts')])

process.exitCode = await main(process.argv.slice(2), project, process)
