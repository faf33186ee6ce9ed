// Faults of the API server: for all, or for the programs of one kind.
import type { FaultAction } from '@pod-identity/sim';
import { lifting, type Lift } from './arm-faults.ts';
import type { World } from './world.ts';

const agents = { mic: /\/MIC\//, nmi: /^nmi\// } as const;

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

/** Every request of theirs is refused, and their watches end. */
export function refuseAgents({ stage }: World, who: keyof typeof agents, status: 429 | 503): Lift {
  const rule = stage.sim.kube.faults.add({ match: { userAgent: agents[who] }, then: refusal(status) });
  stage.sim.kube.dropWatches();
  return lifting(rule);
}

/** Once: what MIC writes of this kind is stored, and nobody is told. */
export function loseKubeAnswer({ stage }: World, path: RegExp): Lift {
  const match = { userAgent: agents.mic, method: 'POST', path };
  return lifting(stage.sim.kube.faults.add({ match, times: 1, then: { loseAnswer: true } }));
}

/** A few of MIC's requests meet this. */
export function troubleMic({ stage }: World, then: FaultAction | 503, times: number): Lift {
  const match = { userAgent: agents.mic };
  return lifting(stage.sim.kube.faults.add({ match, times, then: then === 503 ? refusal(503) : then }));
}

export async function nextPost({ stage }: World, path: RegExp): Promise<void> {
  const { journal } = stage.sim.kube;
  await journal.next({ method: 'POST', path, since: journal.mark() });
}
