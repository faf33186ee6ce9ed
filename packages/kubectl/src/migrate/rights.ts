// Which rights of the user the steps of a plan need: those that are missing are named before anything is written.
import { resources } from '@pod-identity/crd-types';
import { createAccessReviewer, type KubeRight } from '@pod-identity/kit/kube';
import { resourceName, scopeOf, type ClusterReader } from '../cluster/lists.ts';
import type { Action, Plan } from './plan.ts';

export function rightsOf({ steps }: Plan): readonly KubeRight[] {
  const all = steps.flatMap(({ state, action }) => (state === 'done' || !action ? [] : neededFor(action)));
  return [...new Map(all.map((right) => [JSON.stringify(right), right])).values()];
}

function neededFor(action: Action): readonly KubeRight[] {
  switch (action.kind) {
    case 'write':
      return action.writes.flatMap(({ verb, target: { kind, namespace } }) => {
        const of = {
          group: kind.group,
          resource: kind.plural,
          ...(namespace !== undefined && { namespace }),
        };
        return ['get', verb].map((each) => ({ verb: each, ...of }));
      });
    case 'exchange': {
      const { namespace } = action.exchange;
      return [{ verb: 'create', group: '', resource: 'pods', subresource: 'exec', namespace }];
    }
    case 'until-assigned': {
      const { group, plural: resource } = resources.AzureAssignedIdentity;
      return [{ verb: 'list', group, resource }];
    }
    case 'served':
    case 'run-az':
      return [];
  }
}

export const rightText = ({ verb, group, resource, subresource, namespace }: KubeRight): string =>
  `${verb} ${resourceName({ plural: [resource, subresource].filter(Boolean).join('/'), group })} ${scopeOf(namespace)}`;

/** Those that the API server denies to whoever runs this. */
export async function missingRights(
  rights: readonly KubeRight[],
  { kube, signal }: ClusterReader,
): Promise<readonly string[]> {
  const reviewer = createAccessReviewer(kube);
  const missing: string[] = [];
  for (const right of rights) if (!(await reviewer.review(right, signal))) missing.push(rightText(right));
  return missing;
}
