import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { buildFacts } from './build-facts.mjs';

const folder = mkdtempSync(join(tmpdir(), 'pod-identity-'));
const repository = join(folder, 'repository');
const git = (...args: readonly string[]) => {
  const env = { ...process.env, GIT_CONFIG_GLOBAL: '/dev/null', GIT_COMMITTER_DATE: '2026-01-02T03:04:05Z' };
  const who = ['-c', 'user.name=a', '-c', 'user.email=a@example.org'];
  const { stdout, status } = spawnSync('git', ['-C', repository, ...who, ...args], { env, encoding: 'utf8' });
  expect(status).toBe(0);
  return stdout.trim();
};

beforeAll(() => {
  mkdirSync(join(repository, 'inner'), { recursive: true });
  git('init', '--quiet');
  writeFileSync(join(repository, 'file'), 'one');
  git('add', 'file');
  git('commit', '--quiet', '--message', 'Add a file');
});
afterAll(() => rmSync(folder, { recursive: true }));

test('the commit and its date; a changed file makes it dirty', () => {
  const commit = git('rev-parse', 'HEAD');
  const date = { date: '2026-01-02T03:04:05Z', seconds: 1_767_323_045 };
  expect(buildFacts({}, repository)).toEqual({ commit, ...date });
  writeFileSync(join(repository, 'file'), 'two');
  expect(buildFacts({}, repository)).toEqual({ commit: `${commit}-dirty`, ...date });
});

test('outside a repository, and in a folder of a repository of something else, both are unknown', () => {
  const unknown = { commit: 'unknown', date: 'unknown', seconds: 0 };
  expect(buildFacts({}, folder)).toEqual(unknown);
  expect(buildFacts({}, join(repository, 'inner'))).toEqual(unknown);
});

test('a build without a repository is given them', () => {
  const env = { SOURCE_COMMIT: 'abc', SOURCE_DATE_EPOCH: '1767323045' };
  expect(buildFacts(env, folder)).toEqual({
    commit: 'abc',
    date: '2026-01-02T03:04:05Z',
    seconds: 1_767_323_045,
  });
});

test('a time that is no number is an error', () => {
  expect(() => buildFacts({ SOURCE_DATE_EPOCH: 'today' }, folder)).toThrow(
    'SOURCE_DATE_EPOCH must be a number of seconds',
  );
});
