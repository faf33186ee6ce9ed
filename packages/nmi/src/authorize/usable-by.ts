import type { PodView } from '../identify/pod-view.ts';
import { keyOf } from '../tokens/memory.ts';
import type { MachineSubject } from '../tokens/types.ts';
import { accessModeOf } from './access-needed.ts';
import { identitiesOf } from './authorize.ts';
import { decideOnExempt, exemptionOf } from './exception.ts';
import { acceptedNamespaces } from './accepted-namespaces.ts';
import type { AuthorizeRules, ClusterView } from './types.ts';

/** What a pod may request tokens of, whatever is attached to the host and whatever its ServiceAccount may use. */
export interface Usable {
  /** `keyOf` the identities. */
  readonly keys: ReadonlySet<string>;
  /** Whether an exception lets it request this of the machine. */
  allows(machine: MachineSubject): boolean;
}

export function usableBy(pod: PodView, view: ClusterView, rules: AuthorizeRules): Usable {
  const keys = new Set(identitiesOf(pod, view, rules).map(({ identity }) => keyOf(identity)));
  const exemption = pod.tooLarge === undefined ? exemptionOf(pod, view, rules) : undefined;
  return {
    keys,
    allows(machine) {
      const decision = exemption && decideOnExempt(exemption, machine);
      // Where only one client id is left, a request without selector is one for that id.
      return decision?.kind === 'pass-through' && decision.selector.by === machine.by;
    },
  };
}

/** From which other namespaces pods of this one can get identities; undefined: from none. */
export function reachOf(
  namespace: string,
  view: Pick<ClusterView, 'namespaceOf'>,
  rules: Pick<AuthorizeRules, 'identityAccess' | 'forceNamespaced'>,
): ((other: string) => boolean) | undefined {
  if (accessModeOf(namespace, view, rules) !== 'rbac') return rules.forceNamespaced ? undefined : () => true;
  const accepted = acceptedNamespaces(view.namespaceOf(namespace));
  return accepted.length > 0 ? (other) => accepted.includes(other) : undefined;
}
