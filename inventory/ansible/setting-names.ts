import type { ConfigurationText } from './configuration-text.ts'

/** Where a setting is said. */
export interface SettingName {
  /** Of several the last one counts. */
  in: readonly (readonly [section: string, key: string])[]
  environment: string
}

export const settingNames = {
  inventory: { in: [['defaults', 'inventory']], environment: 'ANSIBLE_INVENTORY' },
  user: { in: [['defaults', 'remote_user']], environment: 'ANSIBLE_REMOTE_USER' },
  port: { in: [['defaults', 'remote_port']], environment: 'ANSIBLE_REMOTE_PORT' },
  identityFile: { in: [['defaults', 'private_key_file']], environment: 'ANSIBLE_PRIVATE_KEY_FILE' },
  connection: { in: [['defaults', 'transport']], environment: 'ANSIBLE_TRANSPORT' },
  first: { in: [['ssh_connection', 'ssh_args']], environment: 'ANSIBLE_SSH_ARGS' },
  common: { in: [['ssh_connection', 'ssh_common_args']], environment: 'ANSIBLE_SSH_COMMON_ARGS' },
  extra: { in: [['ssh_connection', 'ssh_extra_args']], environment: 'ANSIBLE_SSH_EXTRA_ARGS' },
  ignoredEndings: {
    in: [
      ['defaults', 'inventory_ignore_extensions'],
      ['inventory', 'ignore_extensions'],
    ],
    environment: 'ANSIBLE_INVENTORY_IGNORE',
  },
  ignoredPatterns: {
    in: [
      ['defaults', 'inventory_ignore_patterns'],
      ['inventory', 'ignore_patterns'],
    ],
    environment: 'ANSIBLE_INVENTORY_IGNORE_REGEX',
  },
} as const satisfies Record<string, SettingName>

/** Those that say how one logs in. */
export const ofLogin = ['user', 'port', 'identityFile', 'connection', 'first', 'common', 'extra'] as const

/** Settings that would make other variables or groups out of the same files, and the value that does not. */
export const refusedSettings: readonly (SettingName & { harmless: readonly string[] })[] = [
  { in: [['defaults', 'hash_behaviour']], environment: 'ANSIBLE_HASH_BEHAVIOUR', harmless: ['replace'] },
  { in: [['defaults', 'precedence']], environment: 'ANSIBLE_PRECEDENCE', harmless: [] },
  { in: [['defaults', 'run_vars_plugins']], environment: 'ANSIBLE_RUN_VARS_PLUGINS', harmless: ['demand'] },
  {
    in: [['defaults', 'force_valid_group_names']],
    environment: 'ANSIBLE_TRANSFORM_INVALID_GROUP_CHARS',
    harmless: ['never', 'ignore', 'false', 'no', 'off', '0'],
  },
]

/** Sections that are all about hosts and logins, and keys of others that are. */
const sectionsToTell = [
  'inventory',
  'connection',
  'ssh_connection',
  'paramiko_connection',
  'privilege_escalation',
]
const keysToTell = ['ask_pass', 'host_key_checking', 'timeout', 'vault_password_file', 'vault_identity_list']

/** Settings about hosts and logins that nothing is made of. */
export function settingsLeftOut(text: ConfigurationText): string[] {
  const known = new Set(
    [...Object.values(settingNames), ...refusedSettings].flatMap((entry) => entry.in.map(([, key]) => key)),
  )
  return [...text].flatMap(([section, settings]) =>
    [...settings.keys()].filter(
      (key) =>
        !known.has(key) &&
        (sectionsToTell.includes(section) || (section === 'defaults' && keysToTell.includes(key))),
    ),
  )
}
