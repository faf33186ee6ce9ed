import { accessTargetsOf, type AccessTarget, type AzureIdentity } from '@pod-identity/crd-types';

/** The targets that a pod must be allowed to use for an identity, or why no right can be granted. */
export interface Targets {
  readonly targets: readonly AccessTarget[];
  readonly problem?: string;
}

const known = new WeakMap<AzureIdentity, Targets>();

/** Cached by object, since every pod that uses it asks. */
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
