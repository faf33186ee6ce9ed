// Whether the ServiceAccounts of MIC, NMI and the broker have the rights of their manifests, as the API server says.
import { createLimit } from '@pod-identity/kit/core';
import type { Remedy } from '@pod-identity/policy';
import { hasRight, type NeededRight } from '../cluster/account-right.ts';
import { keyOf, type ObjectName } from '../cluster/fields.ts';
import type { ClusterReader } from '../cluster/lists.ts';
import { isManaged, ownOf, type Installed, type Services } from '../cluster/services.ts';
import type { Role } from '../cluster/workload.ts';
import { clusterProblem } from '../judge/causes.ts';
import type { Check } from './check.ts';
import { isOfMic, manifestOf, neededRights } from './needed-rights.ts';

/** Some forty reviews, without a burst that the API server's fairness would queue. */
const atATime = 8;

export async function checkRights(
  { kube, signal }: ClusterReader,
  { mic, nmi, broker, unknown }: Services,
): Promise<Check> {
  const limit = createLimit(atATime);
  /** Of our services: the original's need other rights. */
  const reviewed = ownOf<Installed<object>>([...mic, ...nmi, ...broker]).map(async (service) => {
    const account = { namespace: service.namespace, name: service.account };
    const needed = neededRights[service.role].filter((right) => !(isManaged(service) && isOfMic(right)));
    const reviews = needed.map((right) => limit(() => hasRight({ account, right }, { kube, signal })));
    const allowed = await Promise.all(reviews);
    const missing = needed.filter((_, at) => allowed[at] === false);
    return { account, role: service.role, missing, isUnknown: allowed.includes(undefined) };
  });
  const all = await Promise.all(reviewed);
  return {
    holds: all.length > 0 && unknown.length === 0 ? 'MIC, NMI and the broker have their rights' : undefined,
    found: all
      .filter(({ missing }) => missing.length > 0)
      .map(({ account, role, missing }) =>
        clusterProblem({
          key: `rights ${keyOf(account)}`,
          text: `ServiceAccount ${keyOf(account)} may not ${missing.map(rightText).join(', ')}`,
          objects: [`ServiceAccount ${keyOf(account)}`],
          remedy: remedyFor(account, role),
        }),
      ),
    unknown: all.some(({ isUnknown }) => isUnknown)
      ? ['you may not ask about the rights of others (create subjectaccessreviews)']
      : [],
  };
}

/** The manifest's roles are for its own ServiceAccount. */
function remedyFor({ namespace, name }: ObjectName, role: Role): Remedy {
  const isOfManifest = name === role && namespace === `aad-pod-identity${role === 'broker' ? '-broker' : ''}`;
  return isOfManifest
    ? {
        text: 'apply its roles again, from a checkout of the repository; with Helm, upgrade the release',
        command: `kubectl apply -f ${manifestOf[role]}`,
      }
    : { text: `give it the rights of ${manifestOf[role]}; with Helm, upgrade the release` };
}

function rightText({ verb, resource, subresource, isOwn }: NeededRight): string {
  const what = subresource === undefined ? resource : `${resource}/${subresource}`;
  return `${verb} ${what}${isOwn === true ? ' in its namespace' : ''}`;
}
