// Whether somebody renews the lock of the original's MIC: it may run where its Deployment is not seen.
import { readOriginalWarning } from '../../../mic/src/commands/plug-in.ts';
import type { Session } from '../cli/command.ts';
import { ownOf, type Services } from '../cluster/services.ts';
import { clusterProblem } from '../judge/causes.ts';

/** The lock is read twice, at some seconds' distance, and only if somebody held it lately. */
export async function checkOriginal({ kube: transport, clock, signal }: Session, { mic }: Services) {
  const [own] = ownOf(mic);
  // Where its Deployment is seen that is the cause.
  if (own === undefined || 'problems' in own.config || mic.some(({ isOriginal }) => isOriginal))
    return { found: [], unknown: [] };
  const { originalLock: lock } = own.config;
  const text = await readOriginalWarning({ lock, transport, clock }, signal);
  return {
    holds: 'nobody renews the lock of the original’s MIC',
    found: text === undefined ? [] : [clusterProblem({ key: 'original', text })],
    unknown: [],
  };
}
