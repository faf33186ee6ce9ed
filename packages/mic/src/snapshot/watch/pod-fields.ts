// The fields that are read of pods.
import { bindingLabel } from '@pod-identity/crd-types';
import type { Fields } from '@pod-identity/kit/kube';

const text: Fields = { upTo: 1024 };

function podFieldsWith(labels: Fields): Fields {
  return {
    members: {
      metadata: {
        members: {
          name: text,
          namespace: text,
          uid: text,
          resourceVersion: text,
          creationTimestamp: text,
          labels,
        },
      },
      spec: { members: { nodeName: text, serviceAccountName: text } },
      status: { members: { phase: text } },
    },
  };
}

export const podFields = podFieldsWith({ members: { [bindingLabel]: text } });

/** The same limit as in NMI, which serves no pod with more labels. */
export const podFieldsWithLabels = podFieldsWith({ upTo: 16 * 1024 });
