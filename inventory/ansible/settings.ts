import { dirname } from 'node:path'
import { SluiceError } from '../../engine/errors.ts'
import { configurationFile, configurationText, expanded, type Surroundings } from './configuration-file.ts'
import { type ConfigurationText, readConfigurationText } from './configuration-text.ts'
import type { LoginDefaults } from './login.ts'
import { ofLogin, refusedSettings, type SettingName, settingNames, settingsLeftOut } from './setting-names.ts'
import { ignoring } from './sources.ts'

/** What `ansible.cfg` and the environment say of who the hosts are and how one logs in to them. */
export interface AnsibleSettings {
  /** The configuration file, where there is one. */
  file: string | undefined
  /** The inventories; `undefined` where nothing says which. */
  inventory: string[] | undefined
  /** Whether a file or folder of this name in a folder of inventories is passed over. */
  ignores(name: string): boolean
  login: LoginDefaults
  /** What is taken from there, and what is not. */
  remarks: string[]
}

/**
 * Reads what Ansible would read for its settings.
 *
 * @param file the configuration, where it is not to be looked for
 * @throws SluiceError INVENTORY_INVALID for a file that has not its form, and for what is not understood
 */
export function ansibleSettings(around: Surroundings, file?: string): AnsibleSettings {
  const { path, remarks } = file === undefined ? configurationFile(around) : { path: file, remarks: [] }
  const text: ConfigurationText =
    path === undefined ? new Map() : readConfigurationText(path, configurationText(path))
  const say = (name: SettingName) => said(name, text, { path, around })
  for (const { harmless, ...name } of refusedSettings) {
    const found = say(name)
    if (found !== undefined && !harmless.includes(found.value.toLowerCase())) throw refusal(found)
  }
  const login = loginDefaults(say, around)
  const taken = Object.values(login).map(({ from }) => from)
  const leftOut = settingsLeftOut(text)
  return {
    file: path,
    inventory: listOf(say(settingNames.inventory))?.map((each) => pathOf(each, around)),
    ignores: ignoring(
      listOf(say(settingNames.ignoredEndings))?.map(({ value }) => unquoted(value)),
      listOf(say(settingNames.ignoredPatterns))?.map(({ value }) => unquoted(value)),
    ),
    login,
    remarks: [
      ...remarks,
      ...(taken.length > 0 ? [`for hosts that do not say otherwise: ${taken.join(', ')}`] : []),
      ...(leftOut.length > 0
        ? [`${path}: left out, Sluice has its own way there: ${leftOut.join(', ')}`]
        : []),
    ],
  }
}

interface Said {
  value: string
  /** What it is called there, and the file. */
  from: string
  at: string
  /** What paths are relative to. */
  folder: string
}

/** The environment wins over the file. */
function said(
  { in: places, environment: variable }: SettingName,
  text: ConfigurationText,
  { path, around: { environment, folder } }: { path: string | undefined; around: Surroundings },
): Said | undefined {
  const fromEnvironment = environment[variable] ?? ''
  if (fromEnvironment !== '') {
    return withoutJinja({ value: fromEnvironment, from: variable, at: 'the environment', folder })
  }
  const found = places.findLast(([section, key]) => text.get(section)?.has(key))
  if (found === undefined || path === undefined) return undefined
  const [section, key] = found
  const value = text.get(section)?.get(key) ?? ''
  return withoutJinja({ value, from: `${key} of ${path}`, at: `${path} > ${section}`, folder: dirname(path) })
}

/** `{{CWD}}` is none. */
function withoutJinja(found: Said): Said {
  if (!found.value.replaceAll('{{CWD}}', '').includes('{{')) return found
  throw new SluiceError('INVENTORY_INVALID', {
    subject: `${found.from} has an expression of Jinja in it, which only Ansible can work out`,
    at: found.at,
    advice: 'write the value itself',
  })
}

function refusal({ from, value, at }: Said): SluiceError {
  return new SluiceError('INVENTORY_INVALID', {
    subject: `with ${from} = ${value} Ansible reads other variables or groups than Sluice does`,
    at,
    advice:
      'take it out, or name the file that ansible-inventory --list --yaml --export --output hosts.yaml writes',
  })
}

function loginDefaults(say: (name: SettingName) => Said | undefined, around: Surroundings): LoginDefaults {
  const login: LoginDefaults = {}
  for (const name of ofLogin) {
    const found = say(settingNames[name])
    if (found === undefined || found.value === '') continue
    const { from } = found
    login[name] = { from, value: name === 'identityFile' ? pathOf(found, around) : unquotedIn(found) }
  }
  return login
}

/** Quotation marks are taken off in files only. */
function unquotedIn({ value, at }: Said): string {
  return at === 'the environment' ? value : unquoted(value)
}

function unquoted(value: string): string {
  return /^(["']).*(?<!\\)\1$/s.test(value) ? value.slice(1, -1) : value
}

function listOf(found: Said | undefined): Said[] | undefined {
  return found?.value.split(',').map((each) => ({ ...found, value: each.trim() }))
}

function pathOf({ value, from, at, folder }: Said, around: Surroundings): string {
  if (value !== '') return expanded(value, around, folder)
  throw new SluiceError('INVENTORY_INVALID', {
    subject: `${from} has an empty place in it`,
    at,
    advice: 'take the superfluous comma out',
  })
}
