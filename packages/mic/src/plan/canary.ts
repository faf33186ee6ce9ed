// On which nodes the canary of NMI is ready, and what of it has lasted long enough to be reported.
import type { AgentView } from '../snapshot/views.ts';

export const canaryStates = ['ready', 'not-ready', 'missing'] as const;
/** `missing`: the node has NMI and no canary. */
export type CanaryState = (typeof canaryStates)[number];

export interface CanarySighting {
  readonly node: string;
  readonly state: CanaryState;
  /** The canary's pod; '' if there is none. */
  readonly pod: string;
  readonly isAgentReady: boolean;
}

export type CanarySightings = ReadonlyMap<string, CanarySighting>;

/** By node; of every node that has a pod of NMI or of the canary. */
export function sightCanaries(agents: Iterable<AgentView>, canaries: Iterable<AgentView>): CanarySightings {
  const [agentOn, canaryOn] = [byNode(agents), byNode(canaries)];
  const nodes = [...new Set([...agentOn.keys(), ...canaryOn.keys()])];
  return new Map(
    nodes.map((node) => {
      const canary = canaryOn.get(node);
      const isAgentReady = isReady(agentOn.get(node));
      return [node, { node, state: stateOf(canary), pod: canary?.name ?? '', isAgentReady }];
    }),
  );
}

/** While pods are replaced a node may have several: one that is ready counts. */
function byNode(pods: Iterable<AgentView>): ReadonlyMap<string, AgentView> {
  const found = new Map<string, AgentView>();
  for (const pod of pods) if (!pod.ending && !isReady(found.get(pod.nodeName))) found.set(pod.nodeName, pod);
  return found;
}

const isReady = (pod: AgentView | undefined) => pod?.readyAt !== undefined;

function stateOf(canary: AgentView | undefined): CanaryState {
  if (canary === undefined) return 'missing';
  return isReady(canary) ? 'ready' : 'not-ready';
}

export function countCanaries(sightings: CanarySightings): Readonly<Record<CanaryState, number>> {
  const counts = { ready: 0, 'not-ready': 0, missing: 0 };
  for (const { state } of sightings.values()) counts[state] += 1;
  return counts;
}

/** What is remembered of a node. */
export interface CanaryMemory {
  /** Since when the canary is not ready or missing. */
  readonly badSinceMs?: number;
  /** Which state was reported last. */
  readonly reported: CanaryState;
}

export type CanaryMemories = ReadonlyMap<string, CanaryMemory>;

/** Shorter failures are not reported: pods are being replaced, or a node starts. */
const bearableMs = 30_000;

/** Nodes that are gone are forgotten. */
export function foldCanaries(
  before: CanaryMemories,
  sightings: CanarySightings,
  nowMs: number,
): CanaryMemories {
  return new Map(
    [...sightings].map(([node, { state }]) => {
      const { reported = 'ready', badSinceMs = nowMs } = before.get(node) ?? {};
      return [node, state === 'ready' ? { reported } : { reported, badSinceMs }];
    }),
  );
}

/** The sightings that are to be reported now. */
export function dueCanaries(
  standings: CanaryMemories,
  sightings: CanarySightings,
  nowMs: number,
): readonly CanarySighting[] {
  return [...sightings.values()].filter(({ node, state }) => {
    const { reported = 'ready', badSinceMs = nowMs } = standings.get(node) ?? {};
    return state !== reported && (state === 'ready' || nowMs - badSinceMs >= bearableMs);
  });
}
