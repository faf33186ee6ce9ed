// Rights on Azure identities: what is reviewed, and what follows from several results.
import {
  accessGroup,
  accessTargetKey,
  accessTargetsOf,
  accessVerb,
  type AccessMode,
  type AccessSubject,
  type AccessTarget,
  type AzureIdentity,
} from '@pod-identity/crd-types';

/** The part of each review that is always the same. */
export const useRight = { verb: accessVerb, group: accessGroup } as const;

/** About a resource for which the API server must refuse an invented user, else its answers mean nothing. */
export const strangerRight = { ...useRight, resource: 'managedidentities' } as const;
/** In a sentence: it allows the invented user. */
export const refusesNoOne =
  'the API server refuses no one, not even an invented user (AlwaysAllow, or a right for everybody)';
export const uselessReviews = `${refusesNoOne}, so its answers about rights count for nothing`;

/** The result of asking about the names of a target. `level`: index of the allowed name. */
export type NamesReview =
  | { readonly kind: 'allowed'; readonly level: number }
  | { readonly kind: 'refused' }
  | { readonly kind: 'unanswered'; readonly why?: string };

/**
 * Allowed if any one of the names is allowed: first the one of `level`, which was allowed last, then from the narrowest to the widest. The
 * first question without an answer (undefined) ends it.
 */
export async function reviewNames(
  { names }: AccessTarget,
  level: number,
  review: (name: string) => Promise<boolean | undefined>,
): Promise<NamesReview> {
  for (const index of new Set([level, ...names.keys()])) {
    const name = names[index];
    if (name === undefined) continue;
    const isAllowed = await review(name);
    if (isAllowed === undefined) return { kind: 'unanswered' };
    if (isAllowed) return { kind: 'allowed', level: index };
  }
  return { kind: 'refused' };
}

/**
 * The mode that counts for an identity where this one counts for the namespace. A federated identity needs its right in every mode: no
 * machine must carry it and no Secret must be there, so nothing else would bound who uses it.
 */
export function modeForIdentity({ spec }: AzureIdentity, mode: AccessMode): AccessMode {
  return spec.type === 3 ? 'rbac' : mode;
}

/** All targets must be allowed. A denial has precedence, since it is final; then the first verdict that is not known. */
export function verdictOfAll<V extends string>(verdicts: readonly V[]): V | 'denied' | 'allowed' {
  if ((verdicts as readonly string[]).includes('denied')) return 'denied';
  return verdicts.find((verdict) => verdict !== 'allowed') ?? 'allowed';
}

/** Equal for equal subjects and targets of one namespace. */
export function pairKey({ name }: AccessSubject, target: AccessTarget): string {
  return `${name} ${accessTargetKey(target)}`;
}

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
