import test from 'ava'
import { gpuKey } from '../../../../runtime/processor/gpu-key.ts'

test('a GPU has one name of its own, however many there are', (t) => {
  const names = () =>
    Array.from({ length: 45_000 }, (_, number) => gpuKey(`host-${number % 300}`, Math.floor(number / 300)))

  const first = names()

  t.is(new Set(first).size, first.length)
  t.deepEqual(names(), first)
  t.is(gpuKey(undefined, 7), '#7')
})
