import { tmpdir } from 'node:os'
import { hostKeys } from '../../engine/transport/host-keys.ts'
import { connect } from '../../engine/transport/ssh.ts'
import { labSettings } from '../../inventory/lab/settings.ts'
import { labInventory } from '../../inventory/lab.ts'
import { type AccessRun, accessRun, noSsh } from './access-run.ts'
import { testLabName } from './lab-hosts.ts'

/**
 * A program: a run whose controller is killed after it changed the way in and before it confirmed that,
 * called with the name of the lab, the roles, `open` or `shut` for the policy, and the seconds of the guard.
 */
const [name = '', roles = '', way = '', seconds = ''] = process.argv.slice(2)
const inventory = await labInventory(labSettings(tmpdir(), { SLUICE_LAB_NAME: testLabName(name) }))
const keys = hostKeys({ knownHostsFile: '/nonexistent', acceptNew: false })
let connections = 0
await accessRun({
  roles: roles as AccessRun['roles'],
  inventory: way === 'shut' ? { ...inventory, policy: { ...inventory.policy, rules: noSsh } } : inventory,
  variables: { firewall: { allowLockout: true }, sshd: { loginGraceSeconds: 45 } },
  guardSeconds: Number(seconds),
  connect(host) {
    connections += 1
    if (connections > 1) process.kill(process.pid, 'SIGKILL')
    return connect(host, { hostKeys: keys, timeoutMs: 5000 })
  },
})
