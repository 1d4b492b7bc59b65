import * as v from 'valibot'
import { protocols } from '../policy.ts'
import { type Change, compare, defineResource, run } from '../resource.ts'
import { Cidr, Port } from '../schemas.ts'
import { described, lines, type Script, sh, write } from '../shell.ts'
import { keepFormer, restoreFormer, tellOurs } from './former.ts'
import { forgetIcmp, icmpRules, loadIcmp, readIcmp, stageIcmp, withIcmpOfAll } from './ufw-icmp.ts'
import { canonicalNetwork } from './ufw-network.ts'
import { type LiveTable, parseLive, parseStored, ruleName, rulesFile, type StoredRules } from './ufw-rules.ts'

const Rule = v.pipe(
  v.strictObject({
    from: v.pipe(Cidr, v.transform(canonicalNetwork), v.description('the network that may connect')),
    port: v.pipe(
      v.optional(
        v.union([Port, v.pipe(v.string(), v.regex(/^\d+:\d+$/, 'should be a range such as "8000:8100"'))]),
      ),
      v.description('the port that it may connect to, or a range; every port of tcp or udp when left out'),
    ),
    protocol: v.pipe(v.optional(v.picklist(protocols), 'tcp'), v.description('`all` is any traffic')),
    type: v.pipe(
      v.optional(v.pipe(v.string(), v.regex(/^\d+(\/\d+)?$/, 'should be a type such as "8" or "3/4"'))),
      v.description('of icmp and icmpv6; every type when left out'),
    ),
    comment: v.pipe(v.optional(v.string()), v.description('shown by "ufw status"')),
  }),
  v.check(
    ({ protocol, port }) => port === undefined || protocol === 'tcp' || protocol === 'udp',
    'should have a port only with tcp and udp',
  ),
  v.check(
    ({ protocol, type }) => type === undefined || protocol === 'icmp' || protocol === 'icmpv6',
    'should have a type only with icmp and icmpv6',
  ),
  v.check(
    ({ protocol, from }) =>
      (protocol !== 'icmp' || !from.includes(':')) && (protocol !== 'icmpv6' || from.includes(':')),
    'should say icmp of IPv4 networks and icmpv6 of IPv6 networks',
  ),
)

const Spec = v.strictObject({
  rules: v.pipe(
    v.array(Rule),
    v.transform(withIcmpOfAll),
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
const beforePath = '/etc/ufw/before.rules'
const beforePath6 = '/etc/ufw/before6.rules'
const paths = [rulesPath, rulesPath6, beforePath, beforePath6, switchPath, defaultsPath]

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
 * loads them. Rules of ICMP, for which ufw has no command, are the lines about it in before.rules and before6.rules,
 * except those that IPv6 itself lives on. Beside that, `ufw allow` and `ufw delete` cost a Python start a rule (0.1 to 0.3 s) and pass through
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
      echo 'part icmp'; ${readIcmp(beforePath)}
      echo 'part icmpv6'; ${readIcmp(beforePath6)}
      echo 'part live ipv4'; iptables-save -t filter 2>/dev/null
      if [ -e /proc/net/if_inet6 ]; then echo 'part live ipv6'; ip6tables-save -t filter 2>/dev/null; fi
      echo 'part end'`,
    parse: (output) => (output.length === 0 ? undefined : parseFirewall(output)),
  }),

  diff: changesOf,

  apply(spec, have) {
    const started = have?.settings.ENABLED === 'yes' && have.live.every(({ broken }) => broken.length === 0)
    const families = [
      { ipv6: false, user: rulesPath, path: beforePath, stored: have?.stored.ipv4 },
      { ipv6: true, user: rulesPath6, path: beforePath6, stored: have?.stored.ipv6 },
    ].map((family) => ({ ...family, rules: spec.rules }))
    const stage = families.flatMap(({ stored, ...family }) => [
      sh`
      ${write(`${family.user}.sluice-staged`, rulesFile(family.ipv6, spec.rules, stored?.logging))}
      chmod 0640 ${`${family.user}.sluice-staged`}
      ${inKernel(family.ipv6, sh`${restorer(family.ipv6)} --noflush --test < ${`${family.user}.sluice-staged`}`)}`,
      stageIcmp(family),
    ])
    // The rules come first: whatever else is wrong, the way in is open before anything is closed.
    const load = families.map((family) =>
      inKernel(
        family.ipv6,
        sh`{ ${restorer(family.ipv6)} --wait 10 --noflush < ${family.user} && ${loadIcmp(family)}; }`,
      ),
    )
    return [
      run(
        described(
          `set the rules of ufw`,
          lines([
            ...stage,
            ...paths.map(keepFormer),
            sh`for file in ${families.flatMap(({ user, path }) => [user, path])}; do mv -- "$file.sluice-staged" "$file"; done`,
            ...(started ? load : []),
            ...settingSteps(have),
            ...(started ? [] : [start]),
            ...families.map(forgetIcmp),
          ]),
        ),
      ),
    ]
  },

  restores: () => true,
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

const restorer = (ipv6: boolean) => (ipv6 ? 'ip6tables-restore' : 'iptables-restore')

/** Does it only where the kernel has the family. */
const inKernel = (ipv6: boolean, script: Script) =>
  ipv6 ? sh`[ ! -e /proc/net/if_inet6 ] || ${script}` : script

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
  const stored = (name: string, ipv6: boolean): StoredRules => {
    const { names, logging } = parseStored(part(name) ?? [])
    return { names: [...names, ...icmpNames(part(ipv6 ? 'icmpv6' : 'icmp') ?? [], ipv6)], logging }
  }
  const live = (name: string, ipv6: boolean): LiveTable[] => {
    const table = part(name)
    if (table === undefined) return []
    const parsed = parseLive(table, ipv6)
    return [{ ...parsed, names: [...parsed.names, ...icmpNames(table, ipv6)] }]
  }
  return {
    settings: Object.fromEntries(settings),
    stored: { ipv4: stored('ipv4', false), ipv6: stored('ipv6', true) },
    live: [...live('live ipv4', false), ...live('live ipv6', true)],
    ours: settings.some(([name, value]) => name === 'mark' && value === 'ours'),
  }
}

const icmpNames = (from: readonly string[], ipv6: boolean) =>
  icmpRules(from, ipv6).map((rule) => (typeof rule === 'string' ? rule : ruleName(rule)))

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
