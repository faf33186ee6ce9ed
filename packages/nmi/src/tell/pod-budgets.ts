import { createBudgets } from '@pod-identity/kit/core';

interface PodBudgets {
  /** Takes from the budget of the pod's namespace and from its own; false, and takes nothing, if either has too little. */
  take(pod: string, now: number, tokens?: number): boolean;
}

/** Of its namespace's budget: one pod leaves lines and Events to the others. */
const partOfPod = 1 / 4;

/** A budget for each namespace; pods are `namespace/name`. */
export function createPodBudgets({ burst, perSecond }: Parameters<typeof createBudgets>[0]): PodBudgets {
  const namespaces = createBudgets({ burst, perSecond });
  const pods = createBudgets({ burst: burst * partOfPod, perSecond: perSecond * partOfPod });
  return {
    take: (pod, now, tokens) =>
      pods.has(pod, now, tokens) &&
      namespaces.take(pod.split('/', 1)[0] ?? '', now, tokens) &&
      pods.take(pod, now, tokens),
  };
}
