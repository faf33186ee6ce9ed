import { createBudgets } from '@pod-identity/kit/core';

interface PodBudgets {
  /**
   * Takes from the budget of the pod's namespace and from its own; false, and takes nothing, if either has too little. More than a budget can
   * hold takes all of it.
   */
  take(pod: string, now: number, tokens?: number): boolean;
}

/** Of its namespace's budget: one pod leaves lines and Events to the others. */
const partOfPod = 1 / 4;

/** A budget for each namespace; pods are `namespace/name`. */
export function createPodBudgets({ burst, perSecond }: Parameters<typeof createBudgets>[0]): PodBudgets {
  const namespaces = createBudgets({ burst, perSecond });
  const burstOfPod = burst * partOfPod;
  const pods = createBudgets({ burst: burstOfPod, perSecond: perSecond * partOfPod });
  return {
    take: (pod, now, tokens = 1) => {
      const ofPod = Math.min(tokens, burstOfPod);
      return (
        pods.has(pod, now, ofPod) &&
        namespaces.take(pod.split('/', 1)[0] ?? '', now, Math.min(tokens, burst)) &&
        pods.take(pod, now, ofPod)
      );
    },
  };
}
