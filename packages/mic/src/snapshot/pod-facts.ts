import { bindingLabel, type PodFacts } from '@pod-identity/crd-types';
import type { PodView } from './views.ts';

/** The input of matching. A view has all labels only if bindings of its namespace need them. */
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
