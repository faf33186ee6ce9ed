// Room: `logs`: what NMI of a pod's node wrote about the pod.
// It must not keep more of a log than one line.
import { asciiJson } from '@pod-identity/kit/core';
import { coreKinds, KubeError } from '@pod-identity/kit/kube';
import { parseObjectName } from '../cli/arguments.ts';
import { CommandProblem, exitCodes, type PlugInCommand, type Session } from '../cli/command.ts';
import { readAgents, type AgentPod } from '../cluster/agents.ts';
import { readText } from '../cluster/connect.ts';
import { keyOf, textAt, type ObjectName } from '../cluster/fields.ts';
import { getAllowed } from '../cluster/lists.ts';
import { ownOf, readServices } from '../cluster/services.ts';
import { auditLineOf, type AuditLine } from './audit-lines.ts';

export const logsCommand: PlugInCommand = {
  name: 'logs',
  summary: "what NMI of the pod's node wrote about a pod: tokens issued and refused",
  args: [{ name: 'pod', what: 'the pod, as NAMESPACE/POD or POD' }],
  examples: ['logs shop/web-0', 'logs web-0 -n shop -o json'],
  async run(session, { args: [text = ''] }) {
    const pod = parseObjectName(text, 'pod', session);
    let count = 0;
    // One node after the other: the lines of each are in order.
    for (const agent of await findAgents(session, await nodeOf(session, pod)))
      for await (const line of logOf(session, agent)) {
        const audit = auditLineOf(line, keyOf(pod));
        if (audit === undefined) continue;
        count += 1;
        printLine(session, audit);
      }
    if (count === 0)
      session.err(
        `NMI wrote nothing about pod ${keyOf(pod)}: it has requested no token, or the log has begun anew since`,
      );
    return exitCodes.ok;
  },
};

/** Undefined for a pod that is gone. */
async function nodeOf({ kube, signal, err }: Session, pod: ObjectName): Promise<string | undefined> {
  const got = await getAllowed({ kube, signal, kind: coreKinds.pods, ...pod });
  if (got.kind === 'not-read' && got.why === 'denied') throw new CommandProblem(got.text);
  if (got.kind === 'not-read') {
    err(`there is no pod ${keyOf(pod)} now: the logs of NMI on all nodes are searched for it`);
    return undefined;
  }
  const node = textAt(got.object, 'spec.nodeName');
  if (node === '') throw new CommandProblem(`pod ${keyOf(pod)} is on no node yet, so that no NMI knows it`);
  return node;
}

async function findAgents(session: Session, node: string | undefined): Promise<readonly AgentPod[]> {
  const { kube, signal } = session;
  const services = await readServices({ kube, signal });
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

async function* logOf(session: Session, agent: AgentPod): AsyncGenerator<string> {
  // A container that was started again has a log of its own; the kubelet may have removed the one before.
  if (agent.restarts > 0) yield* existing(linesOf(session, agent, { previous: 'true' }));
  yield* linesOf(session, agent);
}

async function* existing(lines: AsyncIterable<string>): AsyncGenerator<string> {
  try {
    yield* lines;
  } catch (error) {
    if (!(error instanceof KubeError) || (error.code !== 'invalid' && error.code !== 'not-found'))
      throw error;
  }
}

/** Longer than any line of NMI; more of a line is left out. */
const longestLine = 64 * 1024;

/** Holds no more than one line. */
async function* linesOf(
  { kube, signal }: Session,
  { namespace, name, container }: AgentPod,
  query: { readonly previous?: 'true' } = {},
): AsyncGenerator<string> {
  const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods/${encodeURIComponent(name)}/log`;
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of readText(kube, { method: 'GET', path, query: { ...query, container }, signal })) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = (lines.pop() ?? '').slice(0, longestLine);
    for (const line of lines) yield line.slice(0, longestLine);
  }
  if (rest !== '') yield rest;
}

/** As NMI wrote it; with `-o json` or `yaml`, one object for each line. */
function printLine({ out, format }: Session, { text, fields }: AuditLine): void {
  if (format === 'json') out.line(asciiJson(JSON.stringify(fields)));
  else if (format === 'yaml') {
    out.line('---');
    out.object(fields);
  } else out.line(text);
}
