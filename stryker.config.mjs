// Changes operators one at a time in the rooms in which a wrong one can give a token to the wrong pod or detach an identity, and lists the
// changes that no test beside the code notices. ROOM='nmi/src/{access,handle}' takes others.
const room =
  process.env.ROOM ??
  '{crd-types/src/matching,policy/src,nmi/src/{access,authorize,handle,identify},mic/src/{access,apply,plan,snapshot}}';

export default {
  testRunner: 'vitest',
  plugins: ['@stryker-mutator/vitest-runner'],
  vitest: { configFile: 'tools/workspace/mutation.config.ts' },
  mutate: [`packages/${room}/**/*.ts`, '!**/*.test.ts', '!**/test/**'],
  // Texts are not decisions: tests need not check each word of a message.
  mutator: { excludedMutations: ['StringLiteral'] },
  ignoreStatic: true,
  ignorePatterns: ['dist', 'tools/workspace/node'],
  reporters: ['clear-text', 'progress-append-only'],
  clearTextReporter: { logTests: false, reportTests: false },
  thresholds: { high: 100, low: 90, break: 90 },
};
