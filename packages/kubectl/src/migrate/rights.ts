// Which rights of the user the steps of a plan need: those that are missing are named before anything is written.
import { resources } from '@pod-identity/crd-types';
import type { KubeTransport } from '@pod-identity/kit/kube';
import type { Action, Plan } from './plan.ts';
import { fieldAt, type Write } from './writes.ts';

interface OwnRight {
  readonly verb: string;
  readonly group: string;
  readonly resource: string;
  readonly subresource?: string;
  readonly namespace?: string;
}

export function rightsOf({ steps }: Plan): readonly OwnRight[] {
  const all = steps.flatMap(({ state, action }) => (state === 'done' || !action ? [] : neededFor(action)));
  return [...new Map(all.map((right) => [JSON.stringify(right), right])).values()];
}

function neededFor(action: Action): readonly OwnRight[] {
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

function forWrite({ verb, target: { kind, namespace } }: Write): readonly OwnRight[] {
  const { group, plural: resource } = kind;
  const of = { group, resource, ...(namespace !== undefined && { namespace }) };
  return [
    { verb: 'get', ...of },
    { verb, ...of },
  ];
}

export function rightText({ verb, group, resource, subresource, namespace }: OwnRight): string {
  const what = [resource, subresource].filter(Boolean).join('/') + (group === '' ? '' : `.${group}`);
  return `${verb} ${what} ${namespace === undefined ? 'at the cluster scope' : `in namespace ${namespace}`}`;
}

/** Those that the API server denies to whoever runs this. */
export async function missingRights(
  rights: readonly OwnRight[],
  kube: KubeTransport,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const missing: string[] = [];
  for (const resourceAttributes of rights) {
    const apiVersion = 'authorization.k8s.io/v1';
    const review = await kube.request({
      method: 'POST',
      path: `/apis/${apiVersion}/selfsubjectaccessreviews`,
      body: { apiVersion, kind: 'SelfSubjectAccessReview', spec: { resourceAttributes } },
      signal,
    });
    if (fieldAt(review, 'status.allowed') !== true) missing.push(rightText(resourceAttributes));
  }
  return missing;
}
