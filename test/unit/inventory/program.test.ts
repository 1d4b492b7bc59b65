import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { $ } from 'zx'
import { runProgram } from '../../../inventory/program.ts'

const shell = { name: 'sh', install: '', look: '' }

test('each line of a program is known while it works', async (t) => {
  const lines: string[] = []

  const printed = await runProgram(shell, ['-c', 'echo one; echo two'], {
    onLine: (line) => lines.push(line),
  })

  t.deepEqual(lines, ['one', 'two'])
  t.is(printed, 'one\ntwo\n')
})

for (const endsWithUs of [true, false]) {
  test(`a program that ${endsWithUs ? 'ends with ours is interrupted' : 'does not end with ours goes on'} when ours ends`, async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'sluice-program-'))
    t.teardown(() => rmSync(folder, { recursive: true }))
    const script = `trap 'echo interrupted > end; exit' INT; : > begun; for _ in $(seq ${endsWithUs ? 600 : 5}); do sleep 0.1; done; echo finished > end`
    const ours = `
      import { existsSync } from 'node:fs'
      import { runProgram } from ${JSON.stringify(new URL('../../../inventory/program.ts', import.meta.url).href)}
      runProgram({ name: 'sh', install: '', look: '' }, ['-c', ${JSON.stringify(script)}], { endsWithUs: ${endsWithUs} })
      setInterval(() => existsSync('begun') && process.exit(0), 10)`

    await $({ cwd: folder, quiet: true })`${process.execPath} --input-type=module --eval ${ours}`
    const end = await $({ cwd: folder, quiet: true })`until [ -s end ]; do sleep 0.05; done; cat end`

    t.is(end.stdout.trim(), endsWithUs ? 'interrupted' : 'finished')
  })
}
