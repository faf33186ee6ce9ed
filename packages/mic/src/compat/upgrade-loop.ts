import { createBackoff } from '@pod-identity/kit/core';
import { KubeError, type LeaderTerm, type KubeAmbient } from '@pod-identity/kit/kube';
import { upgradeStoredObjects } from './upgrade.ts';
import type { MicSettings } from '../term/settings.ts';

/** The writes of `transport` are fenced by the lease. */
export interface UpgradeLoopOptions extends KubeAmbient {
  readonly settings: Pick<MicSettings, 'typeUpgrade' | 'namespace' | 'version'>;
  readonly term: LeaderTerm;
}

/** Twenty objects a second: each is a read and a write, and a change that all watches are told. */
const pauseMs = 50;
/** Each try lists all objects, and an object that never can be written fails in each. */
const retries = { baseMs: 5 * 60_000, capMs: 6 * 3_600_000 };

const failed = 'stored objects could not be upgraded';

/** Loop: rewrites stored objects to today's spelling, once. What failed is tried again until none fails or the term ends. */
export async function upgradeSpelling({
  settings,
  clock,
  random,
  ...options
}: UpgradeLoopOptions): Promise<void> {
  const { namespace, version, typeUpgrade } = settings;
  const { term, log } = options;
  if (!typeUpgrade.enabled) return;
  const marker = { namespace, name: typeUpgrade.configMap, key: typeUpgrade.key, version };
  const pause = () => clock.sleep(pauseMs, term.signal);
  const backoff = createBackoff({ ...retries, random });
  while (term.holds()) {
    try {
      await upgradeStoredObjects({ ...options, marker, pause });
      return;
    } catch (error) {
      if (term.signal.aborted) return;
      const againInMs = backoff.next();
      if (error instanceof KubeError) log.warn({ why: error.message, againInMs }, failed);
      else log.error({ error, againInMs }, failed);
      await clock.sleep(againInMs, term.signal).catch(() => undefined);
    }
  }
}
