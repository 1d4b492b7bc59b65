import test from 'ava'
import * as v from 'valibot'
import { $ } from 'zx'
import type { Host } from '../../engine/inventory.ts'
import { type Script, sh } from '../../engine/shell.ts'
import { accessRun, sshOnly } from '../support/access-run.ts'
import { ask, isRoot, needsRoot, useLab } from '../support/lab-hosts.ts'
import { pythonProgram } from '../support/python-venv.ts'

/** The current policy for the release of the lab's hosts. */
const policy = 'Hardened Debian 12 (version 3)'
const Audit = v.object({
  passed: v.boolean(),
  errors: v.array(v.object({ mismatched_field: v.string(), actual: v.unknown() })),
})

if (!isRoot) test.skip(needsRoot, (t) => t.pass())
else {
  const lab = useLab(test, 'ssh-audit', 1)
  const host = (): Host => {
    const [first] = lab().inventory.hosts
    if (first === undefined) throw new TypeError('the lab has a host')
    return first
  }
  const onHost = async (script: Script) => {
    const connection = await lab().connect(host())
    await ask(connection, script).finally(() => connection.close())
  }
  const audit = async () => {
    const program = await pythonProgram(['ssh-audit==3.9.0'], 'ssh-audit')
    const { stdout } = await $({
      quiet: true,
      nothrow: true,
    })`${program} --json --policy ${policy} ${host().address}`
    return v.parse(Audit, JSON.parse(stdout))
  }

  test.serial(
    'of a host as its distribution made it, the audit finds fault with all kinds of algorithms',
    async (t) => {
      t.timeout(180_000)
      // A host of the lab has only one host key.
      await onHost(sh`ssh-keygen -A; systemctl reload ssh`)

      const { passed, errors } = await audit()

      t.false(passed)
      const kinds = errors.map(({ mismatched_field: kind }) => kind)
      t.true(['Host keys', 'Key exchanges', 'Ciphers', 'MACs'].every((kind) => kinds.includes(kind)))
    },
  )

  const harden = async () => {
    const { inventory, connect } = lab()
    const { hosts } = await accessRun({
      roles: 'sshd',
      inventory: { ...inventory, policy: { ...inventory.policy, rules: sshOnly } },
      guardSeconds: 20,
      connect,
    })
    return { error: hosts[0]?.error, changed: hosts[0]?.changed.length }
  }

  test.serial(
    'of a hardened host it finds nothing but order and size of the host keys that it keeps',
    async (t) => {
      const { error } = await harden()

      const { errors } = await audit()

      t.is(error, undefined)
      t.deepEqual(errors, [
        { mismatched_field: 'Host keys', actual: ['rsa-sha2-512', 'rsa-sha2-256', 'ssh-ed25519'] },
        { mismatched_field: 'Host key (rsa-sha2-256) sizes', actual: ['3072'] },
        { mismatched_field: 'Host key (rsa-sha2-512) sizes', actual: ['3072'] },
      ])
    },
  )

  test.serial(
    'a hardened host passes once its owner has given it a larger RSA key and their order',
    async (t) => {
      await onHost(sh`
      rm /etc/ssh/ssh_host_rsa_key*
      ssh-keygen -q -t rsa -b 4096 -N '' -f /etc/ssh/ssh_host_rsa_key
      printf 'HostKey /etc/ssh/ssh_host_%s_key\n' ed25519 rsa > /etc/ssh/sshd_config.d/20-host-keys.conf
      systemctl reload ssh`)

      t.deepEqual(await audit(), { passed: true, errors: [] })
      t.deepEqual(await harden(), { error: undefined, changed: 0 })
    },
  )
}
