import type { RenderedFile } from '../declared.ts'

/** The same text that `templates/app.conf.j2` makes for the peers. */
export function appConf({ file, hostName }: { file: RenderedFile; hostName: string }): string {
  return [
    `# ${file.name} of ${hostName}`,
    '[service]',
    `name = ${file.name}`,
    `host = ${hostName}`,
    `port = ${file.port}`,
    '[settings]',
    ...file.settings.map(({ key, value }) => `${key} = ${value}`),
    '',
  ].join('\n')
}
