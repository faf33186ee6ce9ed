import { bindingLabel, type PodFacts } from '@pod-identity/crd-types';
import type { PodView } from './views.ts';

/** What matching looks at of a pod. All labels are kept only where bindings of its namespace ask for them. */
export function factsOf({
  namespace,
  labels,
  serviceAccount,
  bindingLabel: label,
  isUnlabelled,
}: PodView): PodFacts {
  if (labels !== undefined) return { namespace, labels, serviceAccount };
  const known = isUnlabelled === true ? {} : { [bindingLabel]: label };
  return { namespace, labels: known, serviceAccount, isPartial: true };
}
