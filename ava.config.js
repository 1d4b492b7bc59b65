export default {
  extensions: { ts: 'module' },
  files: ['test/unit/**/*.test.ts'],
  timeout: '2m',
}
