export default {
  extensions: ['ts'],
  files: ['test/chaos/**/*.test.ts'],
  // Advice is worded for a program on the PATH, whoever starts the tests.
  environmentVariables: { npm_package_name: '' },
  timeout: '2h',
}
