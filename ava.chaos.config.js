export default {
  extensions: ['ts'],
  files: ['test/chaos/**/*.test.ts'],
  timeout: '2h',
}
