import { fileURLToPath } from 'node:url';
import { configDefaults, defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';
import { loopbackHasOneAddress } from './tools/sim/src/network/pod-network.ts';
import { ProgressReporter } from './tools/workspace/progress-reporter.ts';
import { CountingReporter } from './tools/workspace/test-count.ts';

const source = (path: string) => fileURLToPath(new URL(path, import.meta.url));

// Deadlines against hanging, not figures: a machine that does other work as well takes its time. Waits within a test give up
// before the test does, and say what they waited for.
const patience = {
  testTimeout: 120_000,
  hookTimeout: 120_000,
  expect: { poll: { timeout: 60_000 } },
};

// A hook starts a cluster and makes the images, which the first time fetches Node and Debian's packages; a test may drain or restart
// nodes. Each step has its own shorter deadline and says what it waited for.
const minutesOfPatience = { testTimeout: 600_000, hookTimeout: 600_000 };

/** The end of a file's name says that it does not belong to `npm test` (CONTRIBUTING.md, Tests). */
const rest = '*.{real,kernel,fuzz,long}.test.ts';
/** A test beside the code that mocks a module or measures the heap. */
const alone = '*.alone.test.ts';

// Vitest's default leaves one core free, which on two cores is half of the machine.
const onAllCores = { maxWorkers: '100%' };

/** Files of many minutes first, since one that begins last would run alone; the large objects late, so that they seldom run beside two clusters. */
const long = [
  ...['cluster-suite', 'updates', 'access-attacks', 'federated-faults', 'client-patience', 'large-objects'],
  ...['access-modes', 'federated', 'real-cluster', 'chart', 'bench', 'npm-start'],
];

/** Then the files of one project, which share a process. */
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification) => {
      const at = long.findIndex((name) => moduleId.includes(`/e2e/scenarios/${name}.`));
      return at < 0 ? long.length + Number(!moduleId.includes('/e2e/scenarios/')) : at;
    };
    const key = (file: TestSpecification) => (isShared(file) ? file.project.name : '');
    return (await super.sort(files)).toSorted(
      (one, other) => rank(one) - rank(other) || key(one).localeCompare(key(other)),
    );
  }
}

const isShared = ({ project }: TestSpecification) => !project.config.isolate;

const setupFiles = (await loopbackHasOneAddress()) ? [source('./tools/workspace/one-address-setup.ts')] : [];

const testsOf = (name: string, root: string) => ({
  extends: true as const,
  root,
  test: { name, setupFiles, exclude: [...configDefaults.exclude, `**/${rest}`], ...onAllCores, ...patience },
});

/** Tests beside the code share a process, which halves their time; NAME/test has a process for each file. */
const unit = (root: string) => {
  const name = root.replace(/^\.\/(packages|tools)\//, '');
  const [shared, apart] = [testsOf(name, root), testsOf(`${name}/test`, root)];
  const typecheck = {
    enabled: ['crd-types', 'imds-client'].includes(name),
    include: ['src/**/*.test-d.ts'],
    tsconfig: './tsconfig.json',
  };
  return [
    {
      ...shared,
      test: {
        ...shared.test,
        include: ['src/**/*.test.ts'],
        exclude: [...shared.test.exclude, `**/${alone}`],
        isolate: false,
        typecheck,
      },
    },
    { ...apart, test: { ...apart.test, include: ['test/**/*.test.ts', `src/**/${alone}`] } },
  ];
};

const [tools, e2e] = [testsOf('tools', './tools'), testsOf('e2e', './tools/e2e')];

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
      { find: '@pod-identity/policy', replacement: source('./packages/policy/src/index.ts') },
      { find: '@pod-identity/sim', replacement: source('./tools/sim/src/index.ts') },
    ],
  },
  test: {
    projects: [
      ...['crd-types', 'imds-client', 'policy', 'kit', 'mic', 'nmi', 'kubectl', 'keyvault-sample'].flatMap(
        (name) => unit(`./packages/${name}`),
      ),
      ...unit('./tools/sim'),
      {
        ...tools,
        test: {
          ...tools.test,
          include: [
            '{bench,chaos,chart,checks,consumers,demo,docs,e2e,images,monitoring,site,stage,workspace}/**/*.test.ts',
          ],
          exclude: [...tools.test.exclude, '**/*.e2e.test.ts'],
        },
      },
      {
        ...e2e,
        test: {
          ...e2e.test,
          include: ['scenarios/*.e2e.test.ts'],
        },
      },
      {
        extends: true as const,
        test: {
          name: 'rest',
          include: [`packages/*/{src,test}/**/${rest}`, `tools/**/${rest}`],
          // Three at a time keep both cores busy from the first minute on, and the large objects have passed their deadline then.
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
          ...patience,
          ...minutesOfPatience,
        },
      },
    ],
    sequence: { sequencer: LongestFirst },
    // Set by tools/workspace/bootstrap.mjs: the npm commands.
    reporters:
      process.env['POD_IDENTITY_PROGRESS'] === '1'
        ? [new ProgressReporter()]
        : ['default', new CountingReporter()],
  },
});
