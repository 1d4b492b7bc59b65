export default {
  extensions: ['ts'],
  files: ['test/integration/**/*.test.ts'],
  timeout: '5m',
  // Each file starts a Kafka and a mongod of its own.
  concurrency: 1,
}
