#!/usr/bin/env node
import { main } from './engine/cli/main.ts'
import { project } from './project.ts'

process.exitCode = await main(process.argv.slice(2), project, process)
