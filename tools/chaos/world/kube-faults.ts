// Faults of the API server, for all clients or for one program.
import type { FaultAction } from '@pod-identity/sim';
import { lifting, type Lift } from './arm-faults.ts';
import type { World } from './world.ts';

const agents = { mic: /^aad-pod-identity\/MIC\//, nmi: /^aad-pod-identity\/NMI\// } as const;

const refusal = (status: 429 | 503): FaultAction => ({
  status,
  headers: { 'content-type': 'application/json', 'retry-after': '1' },
  body: {
    kind: 'Status',
    apiVersion: 'v1',
    status: 'Failure',
    code: status,
    reason: status === 429 ? 'TooManyRequests' : 'ServiceUnavailable',
    message: 'on purpose',
  },
});

/** Refuses all their requests and ends their watches. */
export function refuseAgents({ stage }: World, who: keyof typeof agents, status: 429 | 503): Lift {
  const rule = stage.sim.kube.faults.add({ match: { userAgent: agents[who] }, then: refusal(status) });
  stage.sim.kube.dropWatches();
  return lifting(rule);
}

/** No request of theirs gets a response any more, and their watches end. A MIC by its name. */
export function cutOff({ stage }: World, who: 'nmi' | { readonly mic: string }): Lift {
  const userAgent = who === 'nmi' ? agents.nmi : new RegExp(` ${who.mic}$`);
  const rule = stage.sim.kube.faults.add({ match: { userAgent }, then: { hang: true } });
  stage.sim.kube.dropWatches();
  return lifting(rule);
}

/** Once: MIC's write of this kind is stored, and its response is lost. */
export function loseKubeAnswer({ stage }: World, path: RegExp): Lift {
  const match = { userAgent: agents.mic, method: 'POST', path };
  return lifting(stage.sim.kube.faults.add({ match, times: 1, then: { loseAnswer: true } }));
}

/** Applies the fault to a few of MIC's requests. */
export function troubleMic({ stage }: World, then: FaultAction | 503, times: number): Lift {
  const match = { userAgent: agents.mic };
  return lifting(stage.sim.kube.faults.add({ match, times, then: then === 503 ? refusal(503) : then }));
}

export async function nextPost({ stage }: World, path: RegExp): Promise<void> {
  const { journal } = stage.sim.kube;
  await journal.next({ method: 'POST', path, since: journal.mark() });
}
