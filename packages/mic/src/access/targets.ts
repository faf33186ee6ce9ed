import { accessTargetsOf, type AccessTarget, type AzureIdentity } from '@pod-identity/crd-types';

/** What a pod must be allowed to use to act as an identity, or why nobody can be allowed to. */
export interface Targets {
  readonly targets: readonly AccessTarget[];
  readonly problem?: string;
}

const known = new WeakMap<AzureIdentity, Targets>();

/** Worked out once for each object: every pod that uses it asks. */
export function targetsOf(identity: AzureIdentity): Targets {
  const kept = known.get(identity);
  if (kept) return kept;
  const parsed = accessTargetsOf(identity);
  const targets = parsed.ok
    ? { targets: parsed.value }
    : { targets: [], problem: parsed.problems.map(({ path, message }) => `${path} ${message}`).join('; ') };
  known.set(identity, targets);
  return targets;
}
