import test from 'ava'
import { declared, driftedPath } from '../../../bench/converge/declared.ts'
import { appConf } from '../../../bench/converge/sluice/app-conf.ts'

const { packages, directories, files, sysctls, sshd, units } = declared

test('the work is what the goals are set for', (t) => {
  const counts = [packages, directories, files, sysctls, units].map(({ length }) => length)

  t.deepEqual(counts, [3, 10, 15, 4, 3])
})

test('no path is declared twice', (t) => {
  const paths = [...directories, ...files, ...sysctls, sshd, ...units].map(({ path }) => path)

  t.is(new Set(paths).size, paths.length)
  t.true(paths.includes(driftedPath))
})

test('a rendered file is another one on another host', (t) => {
  const [file] = files
  if (file === undefined) return t.fail('there is a file')

  t.not(appConf({ file, hostName: 'vm1' }), appConf({ file, hostName: 'vm2' }))
})
