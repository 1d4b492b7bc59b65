import * as v from 'valibot'
import { type Change, defineResource, run } from '../resource.ts'
import { AccountName, Address, Port } from '../schemas.ts'
import { described, lines, sh } from '../shell.ts'
import { keepFormer, restoreFormer, tellOurs } from './former.ts'
import { loginKeys } from './login-keys.ts'
import { accept, type Judgement, parseJudgement, refusalBy, stages, tellJudgement } from './sshd-judgement.ts'
import { dropInDirectory, dropInPath, firstLine, include, mainPath } from './sshd-paths.ts'
import { startAgain, takeUp, tellLoaded } from './sshd-reload.ts'

const Spec = v.strictObject({
  content: v.pipe(v.string(), v.description('the whole drop-in')),
  port: v.pipe(
    v.optional(Port),
    v.description('where the controller finds sshd afterwards, when that is not where it does now'),
  ),
  login: v.pipe(
    v.optional(v.strictObject({ user: AccountName, from: Address })),
    v.description('who must still be let in, and from where; sshd is asked before the drop-in is in place'),
  ),
})

interface Have {
  content: string | undefined
  mode: string
  /** Whether `sshd_config` reads the drop-ins before anything else. */
  included: boolean
  /** Whether the running sshd has read what is on disk. */
  loaded: boolean
  judgement: Judgement
  ours: boolean
}

/**
 * The drop-in of sshd, in force. It is judged by sshd as part of the whole configuration, in the plan and again before
 * it is in place, and taken up by a reload, which leaves the sessions that are there alone.
 */
export const sshdConfig = defineResource<typeof Spec, Have>({
  kind: 'sshd',
  spec: Spec,
  id: () => dropInPath,
  reads: () => ['package:openssh-server', `path:${mainPath}`, `path:${dropInDirectory}`],
  heeds: () => [loginKeys],
  touches: () => [`path:${mainPath}`, `path:${dropInPath}`, loginKeys, 'unit:ssh.service'],
  guard: ({ port }) => ({ paths: [dropInPath, mainPath], restore: startAgain, sshPort: port }),

  probe: ({ content, login }) => ({
    script: sh`
      [ -x /usr/sbin/sshd ] || exit 0
      ${tellOurs(dropInPath)}
      echo "$(${firstLine})"
      ${tellLoaded}
      if [ -f ${dropInPath} ]; then stat --format=%a ${dropInPath}; else echo absent; fi
      ${tellJudgement(content, login)}
      echo content
      if [ -f ${dropInPath} ]; then cat ${dropInPath}; echo .; fi`,
    parse: (output) => (output.length === 0 ? undefined : parseSshd(content, output)),
  }),

  diff({ content }, have) {
    const changes: Change[] = []
    if (have?.content !== content) {
      const size = (text: string) => `${text.split('\n').length - 1} lines`
      changes.push({
        property: 'content',
        have: have?.content === undefined ? undefined : size(have.content),
        want: size(content),
        text: { have: have?.content, want: content },
      })
    } else if (have.mode !== '600') changes.push({ property: 'mode', have: have.mode, want: '600' })
    if (have === undefined) return changes
    if (!have.included)
      changes.push({ property: 'sshd_config', have: 'other settings first', want: `${include} first` })
    if (have.content === content) {
      for (const { setting, have: is, want } of have.judgement.overruled)
        changes.push({ property: setting, have: is, want })
    }
    if (!have.loaded && changes.length === 0)
      changes.push({
        property: 'reload',
        have: 'due, because sshd has not read what is on disk',
        want: 'done',
      })
    return changes
  },

  refuse: (_, have, pending) => have && refusalBy(have.judgement, pending),

  apply: ({ content, login }) => [
    run(
      described(
        `put ${dropInPath} in force`,
        lines([
          stages(content),
          sh`mkdir -p ${dropInDirectory} /run/sshd`,
          accept(login),
          sh`
listening() { sshd -T | grep -E '^(port|listenaddress) '; }
before=$(listening || :)
${keepFormer(dropInPath)}
chown root:root "$work/sshd_config.d/10-sluice.conf"; chmod 0600 "$work/sshd_config.d/10-sluice.conf"
if ! cmp -s "$work/main" ${mainPath}; then
  ${keepFormer(mainPath)}
  cp --preserve=mode,ownership --attributes-only -- ${mainPath} "$work/main"
  cp --archive -- "$work/main" ${`${mainPath}.sluice-staged`}
  mv --no-target-directory -- ${`${mainPath}.sluice-staged`} ${mainPath}
fi
cp --archive -- "$work/sshd_config.d/10-sluice.conf" ${`${dropInPath}.sluice-staged`}
mv --no-target-directory -- ${`${dropInPath}.sluice-staged`} ${dropInPath}
after=$(listening)
${takeUp}`,
        ]),
      ),
    ),
  ],

  restores: () => true,
  remove: (_, { ours }) =>
    ours
      ? [
          run(sh`
            listening() { sshd -T | grep -E '^(port|listenaddress) '; }
            before=$(listening)
            ${restoreFormer(dropInPath)}
            ${restoreFormer(mainPath)}
            after=$(listening)
            ${takeUp}`),
        ]
      : [],
})

function parseSshd(declared: string, output: string[]): Have {
  const [mark, first, loaded, mode = ''] = output
  const start = output.indexOf('content')
  return {
    ours: mark === 'ours',
    included: first === include,
    loaded: loaded === 'loaded',
    mode,
    content:
      mode === 'absent'
        ? undefined
        : output
            .slice(start + 1)
            .join('\n')
            .slice(0, -1),
    judgement: parseJudgement(declared, output.slice(4, start)),
  }
}
