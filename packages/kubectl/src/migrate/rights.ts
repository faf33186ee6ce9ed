// Which rights of the user the steps of a plan need: those that are missing are named before anything is written.
import { resources } from '@pod-identity/crd-types';
import { createAccessReviewer, type KubeRight, type KubeTransport } from '@pod-identity/kit/kube';
import type { Action, Plan } from './plan.ts';
import type { Write } from './writes.ts';

export function rightsOf({ steps }: Plan): readonly KubeRight[] {
  const all = steps.flatMap(({ state, action }) => (state === 'done' || !action ? [] : neededFor(action)));
  return [...new Map(all.map((right) => [JSON.stringify(right), right])).values()];
}

function neededFor(action: Action): readonly KubeRight[] {
  switch (action.kind) {
    case 'write':
    case 'until-granted':
      return action.writes.flatMap(forWrite);
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

function forWrite({ verb, target: { kind, namespace } }: Write): readonly KubeRight[] {
  const { group, plural: resource } = kind;
  const of = { group, resource, ...(namespace !== undefined && { namespace }) };
  return [
    { verb: 'get', ...of },
    { verb, ...of },
  ];
}

export function rightText({ verb, group, resource, subresource, namespace }: KubeRight): string {
  const what = [resource, subresource].filter(Boolean).join('/') + (group === '' ? '' : `.${group}`);
  return `${verb} ${what} ${namespace === undefined ? 'at the cluster scope' : `in namespace ${namespace}`}`;
}

/** Those that the API server denies to whoever runs this. */
export async function missingRights(
  rights: readonly KubeRight[],
  kube: KubeTransport,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const reviewer = createAccessReviewer(kube);
  const missing: string[] = [];
  for (const right of rights) if (!(await reviewer.review(right, signal))) missing.push(rightText(right));
  return missing;
}
