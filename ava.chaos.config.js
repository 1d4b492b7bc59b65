export default {
  extensions: ['ts'],
  files: ['test/chaos/**/*.test.ts'],
  // Advice is worded for a program on the PATH, whoever starts the tests.
  environmentVariables: { npm_package_name: '' },
  // What a process has of its own, such as names of files with its number in them, each file then has of its own, too.
  workerThreads: false,
  timeout: '2h',
}
