import { createHash } from 'node:crypto'

/** What every tool is to bring a host to: the same values, which each of them reads from here or from the JSON of this. */
export interface Declared {
  packages: string[]
  account: { name: string; id: number; home: string; shell: string }
  directories: { path: string; mode: string; owner: string }[]
  files: RenderedFile[]
  sysctls: { key: string; value: number; path: string }[]
  sshd: { path: string; content: string }
  units: { unit: string; path: string; content: string }[]
}

/** A file that a template makes of these values and of the host's name. */
export interface RenderedFile {
  path: string
  name: string
  port: number
  settings: { key: string; value: string }[]
}

const account = { name: 'bench', id: 10_050, home: '/nonexistent', shell: '/usr/sbin/nologin' }

/** 41 things a host: 3 packages, a group, a user, 10 directories, 15 files, 4 kernel settings, sshd, 3 units, each on and running. */
export const declared: Declared = {
  packages: ['bc', 'psmisc', 'tree'],
  account,
  directories: [
    { path: '/etc/bench', mode: '0755', owner: 'root' },
    ...range(9).map((number) => ({
      path: `/srv/bench-${number}`,
      mode: number % 2 === 0 ? '0750' : '0755',
      owner: account.name,
    })),
  ],
  files: range(15).map(renderedFile),
  sysctls: [
    { key: 'net.core.somaxconn', value: 8192 },
    { key: 'net.ipv4.tcp_fin_timeout', value: 30 },
    { key: 'net.ipv4.tcp_keepalive_intvl', value: 30 },
    { key: 'net.ipv4.tcp_keepalive_time', value: 120 },
  ].map((setting) => ({ ...setting, path: `/etc/sysctl.d/60-sluice-${setting.key}.conf` })),
  sshd: {
    path: '/etc/ssh/sshd_config.d/60-bench.conf',
    content: 'ClientAliveInterval 300\nLoginGraceTime 30\nMaxAuthTries 4\nPasswordAuthentication no\n',
  },
  units: range(3).map((number) => ({
    unit: `bench-${number}.service`,
    path: `/etc/systemd/system/bench-${number}.service`,
    content: unitContent(number),
  })),
}

/** What a drift changes: one rendered file, of which no service reads. */
export const driftedPath = declared.files[7]?.path ?? ''

function renderedFile(number: number): RenderedFile {
  const name = `app-${String(number).padStart(2, '0')}`
  return {
    path: `/etc/bench/${name}.conf`,
    name,
    port: 8000 + number,
    settings: range(20).map((setting) => ({
      key: `setting_${setting}`,
      value: createHash('sha256').update(`${name} ${setting}`).digest('hex').slice(0, 24),
    })),
  }
}

function unitContent(number: number): string {
  return [
    '[Unit]',
    `Description=Bench service ${number}`,
    '',
    '[Service]',
    `User=${account.name}`,
    `Group=${account.name}`,
    'ExecStart=/bin/sleep infinity',
    'Restart=on-failure',
    '',
    '[Install]',
    'WantedBy=multi-user.target',
    '',
  ].join('\n')
}

function range(last: number): number[] {
  return Array.from({ length: last }, (_, index) => index + 1)
}
