import { expect, test } from 'vitest';
import { readMicConfig } from '../config/config.ts';
import { settingsOf } from './settings.ts';

const rulesOf = (clusterClientId: string, ids: string) => {
  const argv = ['--immutable-user-msis', ids, '--detach-grace-period=5s'];
  const read = readMicConfig({ argv, env: {}, hostname: 'mic-0' });
  if (!read.ok) throw new Error('invalid flags');
  const known = { clusterClientId: () => clusterClientId, principalId: () => undefined };
  return settingsOf(read.config, known).rules();
};

test.each([
  ['OWN', 'One,two', ['one', 'two', 'own']],
  ['', 'one,two', ['one', 'two']],
  ['', '', []],
])(
  'a plan keeps the cluster’s own identity (%j) and those of --immutable-user-msis (%j)',
  (own, ids, kept) => {
    expect(rulesOf(own, ids)).toStrictEqual({
      immutableClientIds: new Set(kept),
      detachGraceMs: 5_000,
      driftPeriodMs: 180_000,
    });
  },
);
