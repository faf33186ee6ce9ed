import type { AccessMode } from '../access/namespace-view.ts';

/** The part of the services' configuration that decides whether identities of other namespaces count. */
export interface MatchingRules {
  /** Pods get identities of their own namespace only, whatever AzureIdentities say. */
  readonly forceNamespaced: boolean;
  /**
   * Pods get identities of other namespaces only if `allowedNamespaces` allows it and a label of the pod's Namespace accepts the other
   * namespace, whatever `forceNamespaced` is.
   */
  readonly byAllowedNamespaces?: boolean;
}

/**
 * Whose identities a pod may get. `own`: those of its own namespace. `allowed`: also those of other namespaces whose `allowedNamespaces` allow
 * its own, if a label of its Namespace accepts the other one. `any`: those of all namespaces, except where the identity is namespaced or
 * allows others only.
 */
export type Reach = 'own' | 'allowed' | 'any';

/** The meaning of the rules. */
export function reachOf({ forceNamespaced, byAllowedNamespaces }: MatchingRules): Reach {
  if (byAllowedNamespaces === true) return 'allowed';
  return forceNamespaced ? 'own' : 'any';
}

/**
 * The rules for pods of a namespace with this access mode: in mode `rbac` only `allowedNamespaces` opens an identity to other namespaces,
 * whatever the configuration of the services is.
 */
export function matchingRulesIn<Rules extends MatchingRules>(mode: AccessMode, rules: Rules): Rules {
  return mode === 'rbac' ? { ...rules, byAllowedNamespaces: true } : rules;
}
