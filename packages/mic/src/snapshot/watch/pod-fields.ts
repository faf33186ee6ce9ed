// The fields that are read of pods, and of the metadata of other objects.
import { bindingLabel } from '@pod-identity/crd-types';
import type { Fields } from '@pod-identity/kit/kube';

export const text: Fields = { upTo: 1024 };

/** Of the metadata of any object. */
export const named: Readonly<Record<string, Fields>> = {
  name: text,
  namespace: text,
  uid: text,
  resourceVersion: text,
  creationTimestamp: text,
};

function podFieldsWith(labels: Fields): Fields {
  return {
    members: {
      metadata: { members: { ...named, labels } },
      spec: { members: { nodeName: text, serviceAccountName: text } },
      status: { members: { phase: text } },
    },
  };
}

export const podFields = podFieldsWith({ members: { [bindingLabel]: text } });

/** The same limit as in NMI, which serves no pod with more labels. */
export const podFieldsWithLabels = podFieldsWith({ upTo: 16 * 1024 });
