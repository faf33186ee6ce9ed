import type { Clock } from '@pod-identity/kit/core';
import { KubeError, type KubeTransport, type LeaderTerm } from '@pod-identity/kit/kube';
import type { Log } from '@pod-identity/kit/serve';
import { upgradeStoredObjects } from '../apply/upgrade.ts';
import type { MicSettings } from './settings.ts';

export interface UpgradeLoopOptions {
  readonly settings: Pick<MicSettings, 'typeUpgrade' | 'namespace' | 'version'>;
  /** Its writes are fenced by the lease. */
  readonly transport: KubeTransport;
  readonly term: LeaderTerm;
  readonly clock: Clock;
  readonly log: Log;
}

/** Twenty objects a second: each is a read and a write, and a change that all watches are told. */
const pauseMs = 50;

/** Loop: rewrites stored objects to today's spelling, once. After an error the next term tries again. */
export async function upgradeSpelling({ settings, clock, ...options }: UpgradeLoopOptions): Promise<void> {
  const { namespace, version, typeUpgrade } = settings;
  const { term, log } = options;
  if (!typeUpgrade.enabled) return;
  const marker = { namespace, name: typeUpgrade.configMap, key: typeUpgrade.key, version };
  try {
    await upgradeStoredObjects({ ...options, marker, pause: () => clock.sleep(pauseMs, term.signal) });
  } catch (error) {
    if (term.signal.aborted) return;
    if (error instanceof KubeError) log.warn({ why: error.message }, 'stored objects could not be upgraded');
    else log.error({ error }, 'stored objects are not upgraded in this term');
  }
}
