export default {
  extensions: ['ts'],
  files: ['test/lab/**/*.test.ts', 'test/integration/**/*.test.ts', 'test/e2e/**/*.test.ts'],
  // Each file has hosts or services of its own; more at once would only wait for the same two cores.
  concurrency: 2,
  // Advice is worded for a program on the PATH, whoever starts the tests.
  environmentVariables: { npm_package_name: '' },
  // What a process has of its own, such as names of files with its number in them, each file then has of its own, too.
  workerThreads: false,
  timeout: '20m',
}
