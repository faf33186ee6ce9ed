import { KubeError } from '@pod-identity/kit/kube';
import { exitCodes, type Session } from '../cli/command.ts';
import { readAgents, type AgentPod } from '../cluster/agents.ts';
import { ownOf } from '../cluster/services.ts';
import { auditLineOf } from './audit-lines.ts';
import { printLine, readLog } from './log-lines.ts';

export interface Followed {
  /** `namespace/name` */
  readonly pod: string;
  readonly node: string;
  /** The time of the last line that was read, by the name of NMI's pod. */
  readonly reached: ReadonlyMap<string, string>;
}

/** Between reads of the pods of NMI: one that was started again goes on under its name, or another takes its place. */
const againMs = 2_000;

/** Prints what NMI of the node writes about the pod until the signal aborts. */
export async function followAgents(session: Session, { pod, node, reached }: Followed): Promise<number> {
  const { kube, signal, clock, err } = session;
  const nmi = ownOf((await session.services()).nmi);
  const [last, following] = [new Map(reached), new Set<string>()];
  let complained = '';
  const follow = async (agent: AgentPod) => {
    const sinceTime = last.get(agent.name);
    for await (const { time, text } of readLog(kube, agent, { signal, follow: true, sinceTime })) {
      if (!isLater(time, last.get(agent.name))) continue;
      last.set(agent.name, time);
      const line = auditLineOf(text, pod);
      if (line !== undefined) printLine(session, line);
    }
  };
  const complain = (error: unknown) => {
    const text = error instanceof Error ? error.message : String(error);
    if (!signal.aborted && text !== complained) err(`cannot be followed now: ${text}`);
    complained = text;
  };
  while (!signal.aborted) {
    const { pods } = await readAgents({ nmi }, { kube, signal, node }).catch((error: unknown) => {
      if (!(error instanceof KubeError)) throw error;
      complain(error);
      return { pods: [] };
    });
    for (const agent of pods.filter(({ name }) => !following.has(name))) {
      following.add(agent.name);
      void follow(agent)
        .then(() => (complained = ''), complain)
        .finally(() => following.delete(agent.name));
    }
    await clock.sleep(againMs, signal).catch(() => undefined);
  }
  return exitCodes.ok;
}

/** Times of one node in UTC: the digits of the fraction may differ in number. */
function isLater(time: string, than: string | undefined): boolean {
  return than === undefined || time.replace('Z', '') > than.replace('Z', '');
}
