/**
 * How this machine's apt gets at its sources (proxies, timeouts, checks of validity), as an apt configuration.
 * Nothing else of its configuration is fit for a host: hooks there name programs that a host lacks.
 *
 * @param effective what `apt-config dump` prints
 * @param defaults what it prints where no configuration file is read
 */
export function acquireSettings(
  effective: string,
  defaults: string,
  environment: Record<string, string | undefined>,
): string {
  const preset = new Set(defaults.split('\n'))
  const settings = effective
    .split('\n')
    .filter(
      (line) =>
        !preset.has(line) && /^Acquire::\S+ "[^"]+";$/.test(line) && !/Proxy-?Auto-?Detect/i.test(line),
    )
  for (const scheme of ['http', 'https']) {
    const proxy = environment[`${scheme}_proxy`]
    const setting = `Acquire::${scheme}::Proxy`
    if (proxy && !settings.some((line) => line.startsWith(`${setting} `)))
      settings.push(`${setting} "${proxy}";`)
  }
  return settings.map((line) => `${line}\n`).join('')
}

/** The certificates of a bundle, each as PEM text. */
export function certificatesIn(bundle: string): string[] {
  const found = bundle.match(/-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g) ?? []
  return [...new Set(found)].map((certificate) => `${certificate}\n`)
}
