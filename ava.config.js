export default {
  extensions: ['ts'],
  files: ['test/unit/**/*.test.ts'],
  // Advice is worded for a program on the PATH, whoever starts the tests.
  environmentVariables: { npm_package_name: '' },
  // Among threads a child that one test file starts holds, until it runs its program, what another has open: a socket
  // that was closed is still taken then, and a program that was written cannot be started.
  workerThreads: false,
  timeout: '2m',
}
