import { aptPackage, directory, file, listeningPort, role, systemdUnit, template, v, waitFor } from 'sluice'

const page = (values: { title: string; notices: string[] }) =>
  [`<h1>${values.title}</h1>`, ...values.notices.map((notice) => `<p>${notice}</p>`), ''].join('\n')

/** A page of notices that every host of the group serves; its variables are under `noticeBoard`. */
export const noticeBoard = role({
  name: 'noticeBoard',
  description: 'serves a page of notices',
  params: v.strictObject({
    port: v.pipe(v.optional(v.number(), 8090), v.description('on all addresses')),
    notices: v.pipe(v.optional(v.array(v.string()), []), v.description('one paragraph each')),
  }),
  resources: ({ port, notices }, { host }) => [
    aptPackage({ name: 'python3' }),
    directory({ path: '/srv/notice-board' }),
    template({
      path: '/srv/notice-board/index.html',
      render: page,
      values: { title: host.name, notices },
    }),
    file({ path: '/etc/notice-board.env', content: `PORT=${port}\n` }),
    systemdUnit({
      unit: 'notice-board.service',
      content: `[Unit]
Description=Notice board

[Service]
DynamicUser=yes
EnvironmentFile=/etc/notice-board.env
ExecStart=/usr/bin/python3 -m http.server --directory /srv/notice-board \${PORT}

[Install]
WantedBy=multi-user.target
`,
      enabled: true,
      state: 'running',
      // Restarted when this is no longer what it was started with; the page is read anew for every visitor.
      loads: ['/etc/notice-board.env'],
    }),
    listeningPort({ unit: 'notice-board.service', port, addresses: ['0.0.0.0'] }),
    waitFor({ unit: 'notice-board.service', until: { condition: 'port', port } }),
  ],
})
