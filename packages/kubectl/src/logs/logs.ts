// Room: `logs`: what NMI of a pod's node wrote about the pod.
// It must not keep more of a log than it prints.
import { value } from '@pod-identity/kit/core';
import { coreKinds, KubeError } from '@pod-identity/kit/kube';
import { parseOption } from '../cli/arguments.ts';
import { CommandProblem, exitCodes, type Given, type PlugInCommand, type Session } from '../cli/command.ts';
import { readAgents, type AgentPod } from '../cluster/agents.ts';
import { textAt } from '../cluster/fields.ts';
import { getAllowed } from '../cluster/lists.ts';
import { ownOf } from '../cluster/services.ts';
import { auditLineOf, type AuditLine } from './audit-lines.ts';
import { followAgents, type Followed } from './follow.ts';
import { printLine, readLog, type TimedLine } from './log-lines.ts';

export const logsCommand: PlugInCommand = {
  name: 'logs',
  summary: "what NMI of the pod's node wrote about a pod: tokens issued and refused",
  args: [{ name: 'pod', what: 'the pod, as NAMESPACE/POD or POD' }],
  options: [
    { flags: '-f, --follow', what: 'print further lines as they are written, until Ctrl-C' },
    { flags: '--since <duration>', what: 'no older lines than this, as 5m or 2h' },
    { flags: '--tail <lines>', what: 'no more than this many of the lines so far' },
  ],
  examples: ['logs shop/web-0', 'logs web-0 -n shop --since 1h', 'logs shop/web-0 --follow --tail 10'],
  isEndless: ({ options }) => options['follow'] === true,
  run: runLogs,
};

interface Wanted {
  /** `namespace/name` */
  readonly pod: string;
  readonly sinceSeconds: number | undefined;
  readonly tail: number;
}

/** Lines are kept for --tail until all are read. */
const mostTail = 10_000;

async function runLogs(session: Session, given: Given): Promise<number> {
  const wanted = { pod: podOf(session, given), ...limitsOf(given) };
  const found = await findPod(session, wanted.pod);
  const agents = await findAgents(session, found.node);
  const { count, reached } = await printSoFar(session, wanted, agents);
  if (given.options['follow'] === true && found.isRunning)
    return followAgents(session, { pod: wanted.pod, node: found.node ?? '', reached });
  if (count === 0)
    session.err(
      `NMI wrote nothing about pod ${wanted.pod}: it has requested no token, or the log has begun anew since`,
    );
  return exitCodes.ok;
}

function podOf({ namespace }: Session, { args: [text = ''] }: Given): string {
  const [, of = namespace, name] = /^(?:([^/]+)\/)?([^/]+)$/.exec(text) ?? [];
  if (name === undefined || of === undefined) throw new CommandProblem('name one pod: logs NAMESPACE/POD');
  return `${of}/${name}`;
}

function limitsOf({ options: { since, tail } }: Given): Omit<Wanted, 'pod'> {
  return {
    sinceSeconds: since === undefined ? undefined : Math.ceil(parseOption('since', duration, since) / 1000),
    tail: tail === undefined ? Infinity : parseOption('tail', lines, tail),
  };
}

const duration = value.duration('0', { min: 1000 });
const lines = value.integer(0, { min: 0, max: mostTail });

interface FoundPod {
  /** Undefined for a pod that is gone. */
  readonly node: string | undefined;
  readonly isRunning: boolean;
}

async function findPod({ kube, signal, err }: Session, key: string): Promise<FoundPod> {
  const [namespace = '', name = ''] = key.split('/');
  const got = await getAllowed({ kube, signal, kind: coreKinds.pods, namespace, name });
  if (got.kind === 'not-read' && got.why === 'denied') throw new CommandProblem(got.text);
  if (got.kind === 'not-read') {
    err(`there is no pod ${key} now: the logs of NMI on all nodes are searched for it`);
    return { node: undefined, isRunning: false };
  }
  const node = textAt(got.object, 'spec.nodeName');
  if (node === '') throw new CommandProblem(`pod ${key} is on no node yet, so that no NMI knows it`);
  const hasEnded = /^(?:Succeeded|Failed)$/.test(textAt(got.object, 'status.phase'));
  if (hasEnded) err(`pod ${key} has ended`);
  return { node, isRunning: !hasEnded };
}

async function findAgents(session: Session, node: string | undefined): Promise<readonly AgentPod[]> {
  const { kube, signal } = session;
  const services = await session.services();
  const nmi = ownOf(services.nmi);
  if (nmi.length === 0) throw new CommandProblem(['NMI was not found', ...services.unknown].join('; '));
  const { pods, unknown } = await readAgents({ nmi }, { kube, signal, ...(node !== undefined && { node }) });
  if (pods.length === 0)
    throw new CommandProblem(
      unknown.length > 0
        ? unknown.join('; ')
        : `there is no pod of NMI on ${node === undefined ? 'any node' : `node ${node}`}`,
    );
  for (const line of unknown) session.err(`not known: ${line}`);
  return pods;
}

/** Logs of several nodes are read one after the other: the lines of each are in order. */
async function printSoFar(
  session: Session,
  wanted: Wanted,
  agents: readonly AgentPod[],
): Promise<{ readonly count: number; readonly reached: Followed['reached'] }> {
  const reached = new Map<string, string>();
  const found = createTail<AuditLine>(wanted.tail, (line) => printLine(session, line));
  for await (const { audit } of linesAbout(session, wanted, { agents, reached })) found.take(audit);
  return { count: found.end(), reached };
}

interface ReadingAgents {
  readonly agents: readonly AgentPod[];
  /** Filled. */
  readonly reached: Map<string, string>;
}

async function* linesAbout(
  session: Session,
  { pod, sinceSeconds }: Wanted,
  { agents, reached }: ReadingAgents,
): AsyncGenerator<{ readonly line: TimedLine; readonly audit: AuditLine }> {
  for (const agent of agents)
    for await (const line of linesSoFar(session, agent, sinceSeconds)) {
      reached.set(agent.name, line.time);
      const audit = auditLineOf(line.text, pod);
      if (audit !== undefined) yield { line, audit };
    }
}

/** Prints lines at once, or with a limit the last ones at the end. */
function createTail<T>(most: number, print: (line: T) => void) {
  const last: T[] = [];
  let count = 0;
  return {
    take(line: T) {
      count += 1;
      if (most === Infinity) print(line);
      else if (last.push(line) > most) last.shift();
    },
    /** Returns the number of lines taken. */
    end() {
      for (const line of last) print(line);
      return count;
    },
  };
}

async function* linesSoFar({ kube, signal }: Session, agent: AgentPod, sinceSeconds: number | undefined) {
  // A container that was started again has a log of its own; the kubelet may have removed the one before.
  if (agent.restarts > 0) yield* existing(readLog(kube, agent, { signal, sinceSeconds, previous: true }));
  yield* readLog(kube, agent, { signal, sinceSeconds });
}

async function* existing(lines: AsyncIterable<TimedLine>): AsyncGenerator<TimedLine> {
  try {
    yield* lines;
  } catch (error) {
    if (!(error instanceof KubeError) || (error.code !== 'invalid' && error.code !== 'not-found'))
      throw error;
  }
}
