// The workflows of the public forge: what can be said of them without running them there.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { repository } from '../stage/places.ts';

interface Step {
  readonly id?: string;
  readonly run?: string;
  readonly uses?: string;
  readonly if?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly with?: Readonly<Record<string, unknown>>;
}

interface Job {
  readonly steps: readonly Step[];
  readonly needs?: string | readonly string[];
  readonly permissions?: Readonly<Record<string, string>>;
}

interface Workflow {
  readonly on: Readonly<Record<string, unknown>>;
  readonly env?: Readonly<Record<string, string>>;
  readonly permissions: Readonly<Record<string, string>>;
  readonly jobs: Readonly<Record<string, Job>>;
}

const read = (path: string) => readFileSync(join(repository, path), 'utf8');
const workflow = (name: string) => parse(read(`.github/workflows/${name}.yml`)) as Workflow;
const { scripts } = JSON.parse(read('package.json')) as {
  readonly scripts: Readonly<Record<string, string>>;
};
const bootstrap = 'node tools/workspace/bootstrap.mjs';
const [program = '', ...words] = `${bootstrap} other`.split(' ');
/** It names them when it is asked for another. */
const tasks = spawnSync(program, words, { cwd: repository, encoding: 'utf8' }).stderr.trim().split(/[ ,]+/);
const check = workflow('check');
const release = workflow('release');
const site = workflow('site');
const nightly = workflow('nightly');
const jobs = Object.entries({ check, nightly, release, site }).flatMap(([file, { jobs: all, permissions }]) =>
  Object.entries(all).map(([name, job]) => ({ name: `${file}/${name}`, job: { permissions, ...job } })),
);
/** Programs that run code of the project or of its dependencies; of npm's commands, those that publish and look up do not. */
const runsCode = ({ run = '' }: Step) =>
  /(?<![\w/.-])(npm (?!publish|view)|(npx|node|nx|tsc|vitest|changeset|yarn|pnpm|corepack|make)(?![\w-]))/.test(
    run,
  ) || /^\s*(\.|source |\.\/|(ba)?sh )/m.test(run);
const isCheckout = ({ uses }: Step) => uses?.startsWith('actions/checkout@') === true;

test.each(Object.entries({ check, release, site }))('the commands of %s.yml exist', (_, { jobs: all }) => {
  const commands = Object.values(all).flatMap((job) => job.steps.map(({ run = '' }) => run));
  const named = commands.flatMap((command) =>
    [...command.matchAll(/^(npm run|node tools\/workspace\/bootstrap.mjs) (\S+)/gm)].map(
      ([, by = '', name = '']) => ({ by, name }),
    ),
  );
  const exists = ({ by, name }: (typeof named)[number]) =>
    by === 'npm run' ? Object.hasOwn(scripts, name) : tasks.includes(name);
  expect(named.filter((one) => !exists(one))).toEqual([]);
  expect(named).not.toEqual([]);
});

describe.each(jobs.filter(({ job }) => job.steps.some(runsCode)))(
  'the job $name, which runs code of dependencies',
  ({ job }) => {
    test('can only read', () => {
      expect(job.permissions).toEqual({ contents: 'read' });
    });

    test('has no token', () => {
      expect(JSON.stringify(job)).not.toMatch(/secrets|github\.token|GITHUB_TOKEN|GH_TOKEN|NODE_AUTH_TOKEN/);
      // Otherwise it is in .git/config.
      for (const step of job.steps.filter(isCheckout)) expect(step.with?.['persist-credentials']).toBe(false);
    });

    test('takes nothing from a cache that another run can write', () => {
      expect(JSON.stringify(job)).not.toMatch(/actions\/cache|"cache"/);
    });
  },
);

const writing = jobs.filter(({ job }) => JSON.stringify(job.permissions) !== '{"contents":"read"}');

test('few jobs have further rights: to propose versions, to publish, to announce, and to put up the site', () => {
  const rights = Object.fromEntries(writing.map(({ name, job }) => [name, job.permissions]));
  expect(rights).toEqual({
    'release/propose': { contents: 'write', 'pull-requests': 'write', actions: 'write' },
    'release/publish': { 'id-token': 'write' },
    'release/announce': { contents: 'write' },
    'site/deploy': { pages: 'write', 'id-token': 'write' },
  });
});

describe.each(writing)('the job $name, which may write', ({ job }) => {
  test('runs no code but actions, and clients of the forge and the registry', () => {
    expect(job.steps.filter(runsCode)).toEqual([]);
    const actions = job.steps.flatMap(({ uses }) => uses ?? []);
    expect(actions.filter((uses) => !uses.startsWith('actions/'))).toEqual([]);
  });

  test('checks the files by what the job that built them said, before it uses them', () => {
    const taken = job.steps.findIndex(({ uses }) => uses?.startsWith('actions/download-artifact@'));
    // Pages' own action takes its own artefact.
    if (job.steps.some(({ uses }) => uses?.startsWith('actions/deploy-pages@'))) return;
    expect(taken).toBeGreaterThanOrEqual(0);
    expect(job.needs).toContain('build');
    expect(job.steps[taken + 1]).toMatchObject({
      env: { CHECKSUMS: '${{ needs.build.outputs.checksums }}' },
      run: expect.stringMatching(/^sha256sum --check --strict /),
    });
    expect(job.steps.slice(0, taken).filter(({ run }) => run !== undefined)).toEqual([]);
  });
});

test('who can mint an identity for npm has no checkout, and runs no script of the package', () => {
  const { steps = [] } = release.jobs['publish'] ?? {};
  expect(steps.filter(isCheckout)).toEqual([]);
  const commands = steps.flatMap(({ run = '' }) => run.match(/npm publish .*/g) ?? []);
  expect(commands).toHaveLength(1);
  expect(commands[0]).toContain('--ignore-scripts --provenance');
});

test('the Node that publishes is the one that builds', () => {
  const setUp = release.jobs['publish']?.steps.find(({ uses }) => uses?.startsWith('actions/setup-node@'));
  expect(setUp?.with).toEqual({ 'node-version': read('.nvmrc').trim() });
});

test('a release is checked before it is packed', () => {
  const runs = release.jobs['build']?.steps.map(({ run }) => run) ?? [];
  expect(runs.indexOf('npm run check')).toBeGreaterThan(0);
  const consumers = runs.findIndex((run) => run?.startsWith(`${bootstrap} test:rest tools/consumers`));
  expect(consumers).toBeGreaterThan(runs.indexOf('npm run check'));
  expect(runs.indexOf(`${bootstrap} release:pack`)).toBeGreaterThan(consumers);
});

test('the version pull request is checked, although GitHub starts no workflow for it', () => {
  expect(Object.keys(check.on)).toContain('workflow_dispatch');
  const { steps = [] } = release.jobs['propose'] ?? {};
  expect(steps.at(-1)?.run).toContain('gh workflow run check.yml --ref changeset-release/main');
});

test('a suite for which npm fetches something may not be skipped', () => {
  expect(check.env?.['POD_IDENTITY_REQUIRE_PACKAGES']).toBe('1');
});

test('the forge runs every test file: npm run check those of npm test, another job the rest', () => {
  const commands = Object.values(check.jobs).map(({ steps }) => steps.map(({ run }) => run));
  expect(commands.filter((runs) => runs.includes('npm run check'))).toHaveLength(1);
  expect(commands.filter((runs) => runs.includes(`${bootstrap} test:rest`))).toHaveLength(1);
  const ci = read('.ci/run').match(/^(npm|node) .*(?= \|\|)/gm);
  expect(ci).toEqual([`${bootstrap} check:static`, 'npm test', `${bootstrap} test:rest`]);
});

test('Renovate pins actions by commit', () => {
  const { extends: presets } = JSON.parse(read('renovate.json')) as { readonly extends: readonly string[] };
  expect(presets).toContain('helpers:pinGitHubActionDigests');
});

test('the gate runs once, begun by Node 20, and the head of check.yml counts its jobs', () => {
  const { gate } = check.jobs;
  const setUp = gate?.steps.find(({ uses }) => uses?.startsWith('actions/setup-node@'));
  expect(gate).not.toHaveProperty('strategy');
  expect(setUp?.with).toEqual({ 'node-version': 20 });
  expect(Object.keys(check.jobs)).toHaveLength(3);
  expect(read('.github/workflows/check.yml')).toMatch(/^# .* in three jobs,/);
});
