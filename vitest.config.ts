import { fileURLToPath } from 'node:url';
import { configDefaults, defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

const source = (path: string) => fileURLToPath(new URL(path, import.meta.url));

// Deadlines against hanging, not figures: a machine that does other work as well takes its time. Waits within a test give up
// before the test does, and say what they waited for.
const patience = {
  testTimeout: 120_000,
  hookTimeout: 120_000,
  expect: { poll: { timeout: 60_000 } },
};

// Vitest's default leaves one core free, which on two cores is half of the machine.
const onAllCores = { maxWorkers: '100%', sequence: { groupOrder: 1 } };

/** Files of many minutes first: one that begins last would run alone. */
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification) =>
      Number(!/\/(cluster-suite|client-patience|chart)\.e2e/.test(moduleId));
    return (await super.sort(files)).toSorted((one, other) => rank(one) - rank(other));
  }
}

const unit = (root: string) => ({
  extends: true as const,
  root,
  test: {
    name: root.replace(/^\.\/(packages|tools)\//, ''),
    include: ['src/**/*.test.ts', 'test/**/*.test.ts'],
    ...onAllCores,
    ...patience,
    typecheck: {
      enabled: root.endsWith('crd-types') || root.endsWith('imds-client'),
      include: ['src/**/*.test-d.ts'],
      tsconfig: './tsconfig.json',
    },
  },
});

export default defineConfig({
  resolve: {
    alias: [
      {
        find: /^@pod-identity\/crd-types\/(types|parse|crds|names)$/,
        replacement: source('./packages/crd-types/src/$1.ts'),
      },
      { find: /^@pod-identity\/crd-types$/, replacement: source('./packages/crd-types/src/index.ts') },
      { find: '@pod-identity/imds-client', replacement: source('./packages/imds-client/src/index.ts') },
      {
        find: /^@pod-identity\/kit\/(core|serve|kube|testing)$/,
        replacement: source('./packages/kit/src/$1/index.ts'),
      },
      { find: '@pod-identity/sim', replacement: source('./tools/sim/src/index.ts') },
    ],
  },
  test: {
    projects: [
      ...['crd-types', 'imds-client', 'kit', 'mic', 'nmi', 'keyvault-sample'].map((name) =>
        unit(`./packages/${name}`),
      ),
      unit('./tools/sim'),
      {
        extends: true as const,
        root: './tools',
        test: {
          name: 'tools',
          include: [
            '{bench,chaos,chart,checks,consumers,docs,e2e,images,monitoring,mutate,stage,workspace}/**/*.test.ts',
          ],
          exclude: [...configDefaults.exclude, '**/*.e2e.test.ts'],
          ...onAllCores,
          ...patience,
        },
      },
      {
        extends: true as const,
        root: './tools/e2e',
        test: {
          name: 'e2e',
          // A cluster that `npm run e2e` was given has scenarios of its own.
          include: [
            process.env['POD_IDENTITY_E2E_CLUSTER'] === undefined
              ? 'scenarios/**/*.e2e.test.ts'
              : 'any-cluster/*.e2e.test.ts',
          ],
          // These mostly wait; more than two at a time would slow each other past their deadlines.
          maxWorkers: 2,
          sequence: { groupOrder: 0 },
          ...patience,
          // A hook starts a cluster and makes the images, which the first time fetches Node and Debian's packages; a test may drain or
          // restart nodes. Each step has its own shorter deadline and says what it waited for.
          testTimeout: 600_000,
          hookTimeout: 600_000,
        },
      },
    ],
    sequence: { sequencer: LongestFirst },
    reporters: ['default', './tools/workspace/reporter.mjs'],
  },
});
