import { expect, test } from 'vitest';
import { readConfig } from './config.ts';

const good = { KEYVAULT_URL: 'https://demo.vault.azure.net', SECRET_NAMES: 'first,second' };

test('two variables are enough', () => {
  expect(readConfig(good)).toEqual({
    vaultUrl: 'https://demo.vault.azure.net',
    secretNames: ['first', 'second'],
    intervalMs: 30_000,
    reads: Infinity,
    skipChallengeVerification: false,
  });
});

test('all problems are reported together, each with its variable', () => {
  const result = readConfig({ KEYVAULT_URL: 'http://demo', INTERVAL_SECONDS: '0', READS: 'x' });
  expect('problems' in result && result.problems.map((problem) => problem.split(' ')[0])).toEqual([
    'KEYVAULT_URL',
    'SECRET_NAMES',
    'INTERVAL_SECONDS',
    'READS',
  ]);
});

test('the challenge is verified unless the variable is exactly true', () => {
  const verified = (value: string) => readConfig({ ...good, KEYVAULT_SKIP_CHALLENGE_VERIFICATION: value });
  expect(verified('1')).toMatchObject({ skipChallengeVerification: false });
  expect(verified('true')).toMatchObject({ skipChallengeVerification: true });
});
