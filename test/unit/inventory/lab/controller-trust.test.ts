import test from 'ava'
import { acquireSettings, certificatesIn } from '../../../../inventory/lab/controller-trust.ts'

const dump = `APT "";
APT::Install-Recommends "1";
Acquire "";
Acquire::http "";
Acquire::http::Proxy "http://proxy.example:3128";
Acquire::https::CAInfo "/etc/ssl/own.pem";
Acquire::http::Proxy-Auto-Detect "/usr/bin/find-proxy";
Acquire::Check-Valid-Until "false";
Acquire::Languages "";
Acquire::Languages:: "none";
Acquire::IndexTargets::deb::Packages::Optional "0";
DPkg::Post-Invoke:: "/usr/bin/not-on-hosts";
`

test('of the apt configuration only what reaches the sources is taken', (t) => {
  t.is(
    acquireSettings(dump, {}),
    [
      'Acquire::http::Proxy "http://proxy.example:3128";',
      'Acquire::Check-Valid-Until "false";',
      'Acquire::Languages:: "none";',
      '',
    ].join('\n'),
  )
})

test('a proxy of the environment is taken where the configuration names none', (t) => {
  const environment = { http_proxy: 'http://other.example', https_proxy: 'http://secure.example' }
  const settings = acquireSettings(dump, environment)
  t.false(settings.includes('other.example'))
  t.true(settings.includes('Acquire::https::Proxy "http://secure.example";\n'))
})

test('a bundle is its certificates, each once', (t) => {
  const one = '-----BEGIN CERTIFICATE-----\nMIIA\n-----END CERTIFICATE-----\n'
  const two = '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n'
  t.deepEqual(certificatesIn(`# comment\n${one}${two}\n${one}`), [one, two])
})
