// Room: `explain NAMESPACE/POD`: one story of what MIC and NMI make of a pod, with remedies.
// It must not decide or word what mic, nmi and policy decide and word.
import { coreKinds, createResource, KubeError } from '@pod-identity/kit/kube';
import { info, type Finding } from '@pod-identity/policy';
import { parseObjectName } from '../cli/arguments.ts';
import { rulesOf } from '../access/modes.ts';
import { openRights } from '../access/rights.ts';
import { CommandProblem, exitCodes, type PlugInCommand, type Session } from '../cli/command.ts';
import { keyOf, textAt, type ObjectName } from '../cluster/fields.ts';
import { needs, readWithinRights } from '../cluster/within-rights.ts';
import { findingText } from '../print/findings.ts';
import { isForPrograms } from '../print/output.ts';
import { readNmiExplanation, type NmiExplanation } from '../../../nmi/src/commands/plug-in.ts';
import { readMicSide } from './read-mic-side.ts';
import type { ExplainContext } from './explain-context.ts';
import { readNodeAgents, nmiConfigOf, servicesBeside } from './read-services.ts';
import { composeStory, type Story } from './story.ts';

export const explain: PlugInCommand = {
  name: 'explain',
  summary: 'tells why a pod gets a token or not, from its labels to the response of NMI, with remedies',
  args: [{ name: 'pod', what: 'NAMESPACE/POD, or POD of the namespace' }],
  examples: ['explain shop/web-0', 'explain web-0 -n shop -o json'],
  async run(session, { args: [text = ''] }) {
    const target = parseObjectName(text, 'pod', session);
    const story = await readStory(session, target);
    print(session, story);
    if (!story.isKnown) return exitCodes.unknown;
    return story.result.verdict === 'ok' || story.result.verdict === 'info'
      ? exitCodes.ok
      : exitCodes.problem;
  },
};

export async function readStory(session: Session, target: ObjectName): Promise<Story> {
  const pod = await findPod(session, target);
  const nodeName = textAt(pod, 'spec.nodeName');
  const [services, rules, rights] = await Promise.all([
    session.services(),
    rulesOf(session),
    openRights(session),
  ]);
  const reads = readWithinRights(session.kube, { namespace: target.namespace, ...needs.explain });
  const context = { session, target, pod, nodeName, rights, rules, reads };
  const agents = await readNodeAgents(context, services.nmi, services);
  const nmi = await readNmiSide(context, nmiConfigOf(agents.daemonSet, context));
  const isManaged = nmi.config.mode === 'managed';
  const micSide = isManaged ? { records: [] } : await readMicSide(context, services.mic);
  const explanation = nmi.explanation;
  return composeStory({
    nmi: explanation,
    mic: micSide.explanation,
    records: micSide.records,
    isRightUnknown: rights.source === 'none',
    notes: notesOf(context, agents.notes),
    services: [...agents.findings, ...servicesBeside(services, { isManaged, explanation })],
  });
}

async function readNmiSide(
  { session, target, rights, reads }: ExplainContext,
  config: ReturnType<typeof nmiConfigOf>,
): Promise<{ readonly explanation: NmiExplanation; readonly config: typeof config }> {
  const { clock, log, signal } = session;
  const explanation = await Promise.race([
    readNmiExplanation({
      config,
      pod: keyOf(target),
      transport: reads.transport,
      reviewer: rights.reviewer,
      clock,
      random: Math.random,
      log,
      signal,
    }),
    reads.refused,
  ]);
  if (explanation === undefined) throw noPod(target);
  return { explanation, config };
}

function notesOf({ rights, rules, reads }: ExplainContext, more: readonly Finding[]): readonly Finding[] {
  return [
    ...[...reads.lacking(), ...rules.notes, ...rights.notes].map((text) => info('permission', text)),
    ...more,
  ];
}

async function findPod({ kube, signal }: Session, target: ObjectName): Promise<unknown> {
  try {
    return await createResource<unknown>(kube, coreKinds.pods).get(target, { signal });
  } catch (error) {
    if (error instanceof KubeError && error.code === 'not-found') throw noPod(target);
    throw error;
  }
}

const noPod = (target: ObjectName) =>
  new CommandProblem(`there is no pod ${keyOf(target)}: check the namespace and the name`);

function print({ format, out, terminal }: Session, { pod, findings, result }: Story): void {
  if (isForPrograms({ format })) out.object({ pod, result, findings });
  else for (const line of findingText(`pod ${pod}`, [...findings, result], terminal)) out.line(line);
}
