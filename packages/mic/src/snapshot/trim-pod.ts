import { bindingLabel, hasAccount, type Labels } from '@pod-identity/crd-types';
import type { Intern } from './intern.ts';
import { isFinished, memberOf, stringAt } from './raw-object.ts';
import type { PodView } from './views.ts';

/** Undefined for a pod without the label: removing the label is treated as a deletion. */
export function trimPod(raw: unknown, intern: Intern): PodView | undefined {
  const label = memberOf(memberOf(memberOf(raw, 'metadata'), 'labels'), bindingLabel);
  return typeof label === 'string' ? viewOf(raw, label, intern) : undefined;
}

/**
 * A view with labels, unless they are too large. A pod that gets no identity, since it has finished or has no ServiceAccount, needs none,
 * and is left out if only they could select it.
 */
export function trimWholePod(raw: unknown, intern: Intern): PodView | undefined {
  const labels = memberOf(memberOf(raw, 'metadata'), 'labels');
  const label = memberOf(labels, bindingLabel);
  const isUnlabelled = typeof label !== 'string';
  const view = viewOf(raw, isUnlabelled ? '' : label, intern);
  const getsNothing = view.finished || !hasAccount(view);
  if (isUnlabelled && getsNothing) return undefined;
  // From the API server's own objects, so all values are strings.
  const kept = getsNothing || areTooLarge(labels) ? {} : { labels: (labels ?? {}) as Labels };
  return { ...view, ...(isUnlabelled && { isUnlabelled }), ...kept };
}

/** The same limit as in NMI, which serves no pod with more labels. */
function areTooLarge(labels: unknown): boolean {
  return labels !== undefined && JSON.stringify(labels).length > 16 * 1024;
}

function viewOf(raw: unknown, label: string, intern: Intern): PodView {
  const metadata = memberOf(raw, 'metadata');
  const spec = memberOf(raw, 'spec');
  return {
    uid: stringAt(metadata, 'uid'),
    namespace: intern(stringAt(metadata, 'namespace')),
    name: stringAt(metadata, 'name'),
    nodeName: intern(stringAt(spec, 'nodeName')),
    bindingLabel: intern(label),
    serviceAccount: intern(stringAt(spec, 'serviceAccountName')),
    finished: isFinished(raw),
  };
}
