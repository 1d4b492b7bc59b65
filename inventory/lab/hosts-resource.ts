import * as v from 'valibot'
import { compare, defineResource } from '../../engine/resource.ts'
import { programStep, workplaceIn } from '../program-connection.ts'
import { Workplace } from './workplace.ts'

const Spec = v.strictObject({ hosts: v.array(v.string()) })

/** The hosts of the lab, which run. They are made and removed as a whole: they share a network and a base image. */
export const labHosts = defineResource<typeof Spec, Record<string, string>>({
  kind: 'lab',
  spec: Spec,
  id: ({ hosts }) => hosts.join(', '),
  reads: () => ['lab'],
  touches: () => ['lab'],

  probe: () => ({
    async read(access) {
      const lab = workplaceIn(Workplace, access)
      if ((await lab.remains()).length === 0) return undefined
      return Object.fromEntries([...(await lab.states())].filter(([, state]) => state !== 'missing'))
    },
  }),

  diff: ({ hosts }, have = {}) => compare(Object.fromEntries(hosts.map((host) => [host, 'running'])), have),

  apply: () => [programStep(Workplace, 'make and start them', (lab, progress) => lab.bringUp(progress))],

  remove: () => [programStep(Workplace, 'remove them', (lab, progress) => lab.takeDown(progress))],
})
