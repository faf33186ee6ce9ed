// Which source is built: for `--version`, for user agents and for the labels of images. Also run by nx, as an input of its cache.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const repository = join(fileURLToPath(import.meta.url), '../../..');

/**
 * @typedef {object} BuildFacts
 * @property {string} commit With `-dirty` if a tracked file differs from it; `unknown` outside git.
 * @property {string} date Of the commit, not of the build: a build can be repeated to the byte.
 * @property {number} seconds The same since 1970; 0 if unknown.
 */

/**
 * SOURCE_COMMIT and SOURCE_DATE_EPOCH are for builds without a repository, as in a container.
 *
 * @param {Readonly<Record<string, string | undefined>>} [env]
 * @param {string} [folder]
 * @returns {BuildFacts}
 */
export function buildFacts(env = process.env, folder = repository) {
  const commit = env.SOURCE_COMMIT || commitOf(folder) || 'unknown';
  const seconds = Number(env.SOURCE_DATE_EPOCH || dateOf(commit, folder));
  if (!Number.isSafeInteger(seconds) || seconds < 0)
    throw new Error(`SOURCE_DATE_EPOCH must be a number of seconds since 1970: ${env.SOURCE_DATE_EPOCH}`);
  return { commit, seconds, date: seconds === 0 ? 'unknown' : isoDate(seconds) };
}

/**
 * @param {string} commit
 * @param {string} folder
 */
function dateOf(commit, folder) {
  return (commit !== 'unknown' && git(folder, 'log', '-1', '--format=%ct')) || '';
}

/** @param {string} folder */
function commitOf(folder) {
  // Not empty: the folder lies in a repository of something else.
  if (git(folder, 'rev-parse', '--show-prefix') !== '') return undefined;
  const commit = git(folder, 'rev-parse', 'HEAD');
  const isDirty = git(folder, '--no-optional-locks', 'diff', '--quiet', 'HEAD') === undefined;
  return commit && `${commit}${isDirty ? '-dirty' : ''}`;
}

/** @param {number} seconds */
function isoDate(seconds) {
  return new Date(seconds * 1000).toISOString().replace('.000Z', 'Z');
}

/**
 * @param {string} folder
 * @param {string[]} args
 */
function git(folder, ...args) {
  const { status, stdout } = spawnSync('git', ['-C', folder, ...args], { encoding: 'utf8' });
  return status === 0 ? stdout.trim() : undefined;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) console.log(JSON.stringify(buildFacts()));
