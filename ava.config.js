export default {
  extensions: ['ts'],
  files: ['test/unit/**/*.test.ts'],
  timeout: '2m',
}
