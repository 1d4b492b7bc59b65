import * as v from 'valibot'
import { type Change, compare, defineResource, run } from '../resource.ts'
import { Cidr, Port } from '../schemas.ts'
import { described, lines, type Script, sh, write } from '../shell.ts'
import { keepFormer, restoreFormer, tellOurs } from './former.ts'
import { canonicalNetwork } from './ufw-network.ts'
import { type LiveTable, parseLive, parseStored, ruleName, rulesFile, type StoredRules } from './ufw-rules.ts'

const Spec = v.strictObject({
  rules: v.pipe(
    v.array(
      v.strictObject({
        from: v.pipe(Cidr, v.transform(canonicalNetwork), v.description('the network that may connect')),
        port: v.pipe(Port, v.description('the port that it may connect to')),
        protocol: v.pipe(v.optional(v.picklist(['tcp', 'udp']), 'tcp'), v.description('of the port')),
        comment: v.pipe(v.optional(v.string()), v.description('shown by "ufw status"')),
      }),
    ),
    v.description('all that may come in; what is not here is denied, on IPv4 and IPv6'),
  ),
})
type Spec = v.InferOutput<typeof Spec>

interface Have {
  settings: Record<string, string>
  stored: { ipv4: StoredRules; ipv6: StoredRules }
  /** No table for a family that the kernel does not have. */
  live: LiveTable[]
  /** Whether Sluice has set this firewall up. */
  ours: boolean
}

const rulesPath = '/etc/ufw/user.rules'
const rulesPath6 = '/etc/ufw/user6.rules'
const switchPath = '/etc/ufw/ufw.conf'
const defaultsPath = '/etc/default/ufw'
const paths = [rulesPath, rulesPath6, switchPath, defaultsPath]

const wantedSettings = {
  IPV6: 'yes',
  DEFAULT_INPUT_POLICY: 'DROP',
  DEFAULT_OUTPUT_POLICY: 'ACCEPT',
  DEFAULT_FORWARD_POLICY: 'DROP',
  ENABLED: 'yes',
  'at boot': 'enabled',
}

/**
 * The host's firewall: exactly these inbound rules, everything else denied, now and after a reboot.
 *
 * The rules are written to ufw's own files in ufw's own form and loaded by `iptables-restore`, which is how ufw itself
 * loads them. Beside that, `ufw allow` and `ufw delete` cost a Python start a rule (0.1 to 0.3 s) and pass through
 * states between the old rules and the new ones, and `ufw reload` opens the host for over a second. Here the kernel
 * goes from one set to the other at once. `ufw` reads the same files, so it shows and changes the rules as ever.
 */
export const ufw = defineResource<typeof Spec, Have>({
  kind: 'ufw',
  spec: Spec,
  id: () => 'rules',
  reads: () => ['package:ufw', ...paths.map((path) => `path:${path}`)],
  touches: () => paths.map((path) => `path:${path}`),
  guard: () => ({ paths, restore: sh`[ "$cause" = boot ] || { ${reload}; }` }),

  // The kernel may hold something else than the files say, so both are read; `ufw status` would start Python.
  probe: () => ({
    script: sh`
      [ -x /usr/sbin/ufw ] || exit 0
      sed -n 's/^\\([A-Z0-9_]*\\)="\\{0,1\\}\\([A-Za-z]*\\)"\\{0,1\\}[[:space:]]*$/\\1=\\2/p' ${defaultsPath} ${switchPath}
      if [ -e /etc/systemd/system/multi-user.target.wants/ufw.service ]; then echo 'at boot=enabled'; fi
      echo "mark=$( ${tellOurs(rulesPath)} )"
      echo 'part ipv4'; cat ${rulesPath}
      echo 'part ipv6'; cat ${rulesPath6}
      echo 'part live ipv4'; iptables-save -t filter 2>/dev/null
      if [ -e /proc/net/if_inet6 ]; then echo 'part live ipv6'; ip6tables-save -t filter 2>/dev/null; fi
      echo 'part end'`,
    parse: (output) => (output.length === 0 ? undefined : parseFirewall(output)),
  }),

  diff: changesOf,

  apply(spec, have) {
    const stage = (path: string, ipv6: boolean, logging: string[] | undefined) => sh`
      ${write(`${path}.sluice-staged`, rulesFile(ipv6, spec.rules, logging))}
      chmod 0640 ${`${path}.sluice-staged`}
      ${ipv6 ? 'ip6tables-restore' : 'iptables-restore'} --noflush --test < ${`${path}.sluice-staged`}`
    const started = have?.settings.ENABLED === 'yes' && have.live.every(({ broken }) => broken.length === 0)
    return [
      run(
        described(
          `set the rules of ufw`,
          lines([
            stage(rulesPath, false, have?.stored.ipv4.logging),
            ...(have?.live.length === 1 ? [] : [stage(rulesPath6, true, have?.stored.ipv6.logging)]),
            ...paths.map((path) => keepFormer(path, true)),
            sh`for file in ${[rulesPath, rulesPath6]}; do [ ! -e "$file.sluice-staged" ] || mv -- "$file.sluice-staged" "$file"; done`,
            // The rules come first: whatever else is wrong, the way in is open before anything is closed.
            ...(started ? [load] : []),
            ...settingSteps(have),
            ...(started ? [] : [start]),
          ]),
        ),
      ),
    ]
  },

  remove: (_, { ours }) =>
    ours
      ? [
          run(sh`
            ufw --force disable
            ${lines(paths.map(restoreFormer))}
            ${reload}`),
        ]
      : [],
})

const load = sh`
iptables-restore --wait 10 --noflush < ${rulesPath}
[ ! -e /proc/net/if_inet6 ] || ip6tables-restore --wait 10 --noflush < ${rulesPath6}`

/** From a state without ufw's chains, or with changed ones. Connections that are there already stay. */
const start = sh`
if grep -q '^ENABLED=yes' ${switchPath}; then /lib/ufw/ufw-init force-reload; else ufw --force enable; fi
systemctl start ufw.service`

/** Makes the kernel agree with the files; when it cannot, the host stays open rather than out of reach. */
const reload = sh`if grep -q '^ENABLED=yes' ${switchPath}; then /lib/ufw/ufw-init force-reload || /lib/ufw/ufw-init force-stop; else /lib/ufw/ufw-init force-stop; fi`

function settingSteps(have: Have | undefined): Script[] {
  return Object.entries(wantedSettings)
    .filter(([name, want]) => name !== 'ENABLED' && have?.settings[name] !== want)
    .map(([name, want]) => {
      if (name === 'at boot') return sh`systemctl enable --quiet ufw.service`
      const line = `${name}=${name === 'IPV6' ? want : `"${want}"`}`
      return sh`if grep -q ${`^${name}=`} ${defaultsPath}; then sed -i ${`s/^${name}=.*/${line}/`} ${defaultsPath}; else echo ${line} >> ${defaultsPath}; fi`
    })
}

function parseFirewall(output: readonly string[]): Have {
  const starts = output.flatMap((line, index) => (line.startsWith('part ') ? [index] : []))
  const part = (name: string) => {
    const begin = output.indexOf(`part ${name}`)
    return begin < 0
      ? undefined
      : output.slice(
          begin + 1,
          starts.find((index) => index > begin),
        )
  }
  const settings = output.slice(0, starts[0]).map((line) => line.split('=') as [string, string])
  const live = [
    parseLive(part('live ipv4') ?? [], false),
    ...(part('live ipv6') === undefined ? [] : [parseLive(part('live ipv6') ?? [], true)]),
  ]
  return {
    settings: Object.fromEntries(settings),
    stored: { ipv4: parseStored(part('ipv4') ?? []), ipv6: parseStored(part('ipv6') ?? []) },
    live,
    ours: settings.some(([name, value]) => name === 'mark' && value === 'ours'),
  }
}

function changesOf({ rules }: Spec, have: Have | undefined): Change[] {
  const want = new Set(rules.map(ruleName))
  const stored = new Set(have === undefined ? [] : [...have.stored.ipv4.names, ...have.stored.ipv6.names])
  const changes = compare(wantedSettings, have?.settings)
  for (const name of want) {
    if (!stored.has(name)) changes.push({ property: `rule ${name}`, have: undefined, want: 'present' })
  }
  for (const name of stored) {
    if (!want.has(name)) changes.push({ property: `rule ${name}`, have: 'present', want: undefined })
  }
  // What is in force matters once ufw is meant to be; and where the files differ too, they explain it.
  if (have === undefined || changes.length > 0) return changes
  for (const line of have.live.flatMap(({ broken }) => broken)) {
    changes.push({ property: `table ${line}`, have: undefined, want: 'in force' })
  }
  if (changes.length > 0) return changes
  const inForce = new Set(have.live.flatMap(({ names }) => names))
  const reachable = have.live.length === 1 ? rules.filter(({ from }) => !from.includes(':')) : rules
  for (const name of reachable.map(ruleName)) {
    if (!inForce.has(name)) changes.push({ property: `rule ${name}`, have: 'stored only', want: 'in force' })
  }
  for (const name of inForce) {
    if (!want.has(name))
      changes.push({ property: `rule ${name}`, have: 'in force, not stored', want: undefined })
  }
  return changes
}
