/** Where Debian keeps the certificates it trusts, from the root of a file system. */
export const certificateBundle = 'etc/ssl/certs/ca-certificates.crt'

/**
 * How this machine's apt gets at its sources (proxies, timeouts, checks of validity), as an apt configuration.
 * Nothing else of its configuration is fit for a host: hooks and certificate files there name what a host lacks.
 *
 * @param dump what `apt-config dump` prints
 */
export function acquireSettings(dump: string, environment: Record<string, string | undefined>): string {
  const settings = dump
    .split('\n')
    .filter((line) => /^Acquire::(https?::|Check-|Retries|ForceIPv|Languages)\S* "[^"]+";$/.test(line))
    .filter((line) => !/^\S*(Auto-?Detect|CAInfo|CAPath|SslCert|SslKey)\S* /i.test(line))
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
