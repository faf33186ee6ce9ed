// The workflows of the public forge: what can be said of them without running them there.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { repository } from '../stage/places.ts';

interface Step {
  readonly run?: string;
  readonly uses?: string;
  readonly if?: string;
  readonly with?: Readonly<Record<string, string>>;
}

interface Workflow {
  readonly on: Readonly<Record<string, unknown>>;
  readonly env?: Readonly<Record<string, string>>;
  readonly jobs: Readonly<
    Record<
      string,
      { readonly steps: readonly Step[]; readonly permissions?: Readonly<Record<string, string>> }
    >
  >;
}

const workflow = (name: string) =>
  parse(readFileSync(join(repository, '.github/workflows', `${name}.yml`), 'utf8')) as Workflow;
const { scripts } = JSON.parse(readFileSync(join(repository, 'package.json'), 'utf8')) as {
  readonly scripts: Readonly<Record<string, string>>;
};
const check = workflow('check');
const release = workflow('release');

test.each(Object.entries({ check, release }))('the commands of %s.yml exist', (_, { jobs }) => {
  const steps = Object.values(jobs).flatMap((job) => job.steps);
  const commands = steps.flatMap(({ run = '', with: inputs = {} }) => [
    run,
    inputs['version'],
    inputs['publish'],
  ]);
  const named = commands.flatMap((command) => /^npm run (\S+)/.exec(command ?? '')?.[1] ?? []);
  expect(named.filter((name) => !Object.hasOwn(scripts, name))).toEqual([]);
  expect(named).not.toEqual([]);
});

test('a release is checked before it is published', () => {
  const steps = release.jobs['publish']?.steps ?? [];
  const checked = steps.findIndex(({ run }) => run === 'npm run check');
  const published = steps.findIndex(({ with: inputs }) => inputs?.['publish'] !== undefined);
  expect(checked).toBeGreaterThan(0);
  expect(published).toBeGreaterThan(checked);
});

test('the version pull request is checked, although GitHub starts no workflow for it', () => {
  expect(Object.keys(check.on)).toContain('workflow_dispatch');
  const publish = release.jobs['publish'];
  expect(publish?.permissions?.['actions']).toBe('write');
  const started = publish?.steps.find(({ run }) => run?.startsWith('gh workflow run check.yml') === true);
  expect(started?.if).toContain('pullRequestNumber');
});

test('a suite for which npm fetches something may not be skipped', () => {
  expect(check.env?.['POD_IDENTITY_REQUIRE_PACKAGES']).toBe('1');
});
