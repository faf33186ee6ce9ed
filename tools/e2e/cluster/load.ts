// Pods, one on each node, that request tokens without end, and what came of it.
import { askingPod } from './asking.ts';
import * as scene from './scene.ts';
import type { ClusterStage } from './stage.ts';
import { lineAfter } from './told.ts';

export interface Load {
  /** The results since the call of `begin`, counted; after so many more from each pod. */
  since(begin: Mark, more: number): Promise<Tally>;
  begin(): Mark;
  /** The name of a node's pod. */
  podOn(node: string): string;
  /** Starts the pod of a node again, after it was evicted. */
  add(node: string): Promise<void>;
  stop(): Promise<void>;
}
export type Mark = readonly number[];

export interface Tally {
  readonly requests: number;
  /** The applications whose tokens were given. */
  readonly applications: readonly string[];
  /** What was not a token, with its number. */
  readonly failures: Readonly<Record<string, number>>;
}

export async function startLoad(stage: ClusterStage, label: string): Promise<Load> {
  // A pod that is stopped reports for a moment after its object is gone: that is never taken for the next load.
  const podOn = (node: string) => `${label}-on-${node}`;
  const add = async (node: string) => {
    await stage.create(askingPod({ name: podOn(node), node, label, pauseMs: 15 }));
  };
  for (const { name } of stage.nodes) await add(name);
  const told = stage.nodes.map(({ name }) => stage.told(podOn(name)));
  await Promise.all(told.map((lines) => lines.first(scene.isToken, scene.patienceMs)));
  return {
    add,
    podOn,
    begin: () => told.map(({ all }) => all.length),
    since: async (begin, more) => {
      const after = { fits: () => true, withinMs: 300_000 };
      await Promise.all(told.map((lines) => lineAfter(lines, lines.all.length + more, after)));
      return count(told.flatMap(({ all }, index) => all.slice(begin[index])));
    },
    stop: async () => {
      for (const { name } of stage.nodes) await scene.forgetPod(stage, podOn(name));
    },
  };
}

function count(lines: readonly string[]): Tally {
  const failures: Record<string, number> = {};
  for (const line of lines.filter((each) => !scene.isToken(each)))
    failures[line.slice(0, 60)] = (failures[line.slice(0, 60)] ?? 0) + 1;
  const applications = [...new Set(lines.filter(scene.isToken).map(scene.tokenOf))];
  return { requests: lines.length, applications, failures };
}
