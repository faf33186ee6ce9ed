import {
  accessTargetKey,
  parseAzureIdentity,
  resources,
  type AccessTarget,
  type AzureIdentity,
} from '@pod-identity/crd-types';
import { targetsOf } from '@pod-identity/policy';
import type { Session } from '../cli/command.ts';
import { CommandProblem } from '../cli/command.ts';
import { listAllowed } from '../cluster/lists.ts';
import { needs, readWithinRights } from '../cluster/within-rights.ts';

/** What the AzureIdentities of a cluster stand for, each target once. */
export interface IdentityTarget {
  readonly target: AccessTarget;
  /** `namespace/name` of the AzureIdentities, sorted. */
  readonly by: readonly string[];
}

/** Each is reviewed up to three times. */
const mostTargets = 1_000;

/** `within`: the namespace that is read if not all of them may be. */
export async function readIdentityTargets(
  { kube, signal, isAllNamespaces }: Session,
  within: string,
): Promise<{ readonly identities: readonly IdentityTarget[]; readonly notes: readonly string[] }> {
  const namespace = isAllNamespaces ? undefined : within;
  const reads = readWithinRights(kube, { namespace, ...needs.access });
  const listed = await listAllowed({
    kube: reads.transport,
    signal,
    kind: resources.AzureIdentity,
    trim: (object: unknown) => {
      const parsed = parseAzureIdentity(object);
      return parsed.ok ? parsed.value : undefined;
    },
  });
  if (listed.kind === 'not-read') throw new CommandProblem(listed.text);
  const all = targetsOfAll(listed.items);
  const left = all.length - mostTargets;
  return {
    identities: all.slice(0, mostTargets),
    notes: [
      ...reads.lacking(),
      ...(left > 0 ? [`${left} more Azure identities are left out: name one`] : []),
    ],
  };
}

/** Sorted by target. */
export function targetsOfAll(identities: readonly AzureIdentity[]): readonly IdentityTarget[] {
  const uses = identities.flatMap((identity) => {
    const { namespace = '', name } = identity.metadata;
    return targetsOf(identity).targets.map((target) => ({ target, by: `${namespace}/${name}` }));
  });
  const groups = Map.groupBy(uses, ({ target }) => accessTargetKey(target));
  return [...groups.keys()].sort().flatMap((key) => {
    const [first, ...more] = groups.get(key) ?? [];
    return first ? [{ target: first.target, by: [first, ...more].map(({ by }) => by).sort() }] : [];
  });
}
