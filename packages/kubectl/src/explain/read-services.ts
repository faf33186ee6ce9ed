import { coreKinds } from '@pod-identity/kit/kube';
import { info, type Finding } from '@pod-identity/policy';
import { readAgents, type AgentPod } from '../cluster/agents.ts';
import { getAllowed } from '../cluster/lists.ts';
import { daemonSetFor, readNode } from '../cluster/node.ts';
import type { Installed, Services } from '../cluster/services.ts';
import { readNmiConfig, type NmiConfig, type NmiExplanation } from '../../../nmi/src/commands/plug-in.ts';
import type { ExplainContext } from './explain-context.ts';
import { agentFindings, brokerFinding, micFinding, noAgents } from './services.ts';
import { needsBroker } from './story.ts';

interface FoundAgents {
  /** Of the node, else the first. */
  readonly daemonSet: Installed<NmiConfig> | undefined;
  readonly findings: readonly Finding[];
  readonly notes: readonly Finding[];
}

/** A cluster may have a DaemonSet of NMI for each pool of nodes. */
export async function readNodeAgents(
  context: ExplainContext,
  daemonSets: readonly Installed<NmiConfig>[],
  { unknown }: Services,
): Promise<FoundAgents> {
  const [first] = daemonSets;
  if (first === undefined)
    return { daemonSet: undefined, findings: [noAgents({ isPartial: unknown.length > 0 })], notes: [] };
  const found = await Promise.all(daemonSets.map(async (one) => ({ one, pods: await podsOn(context, one) })));
  const node = context.nodeName === '' ? undefined : await readNodeObject(context);
  const nearest = daemonSetFor(node === undefined ? undefined : readNode(node), daemonSets);
  const { one: daemonSet, pods } = found.find((each) => (each.pods?.length ?? 0) > 0) ??
    found.find(({ one }) => one === nearest) ?? { one: first, pods: undefined };
  const notes = 'problems' in daemonSet.config ? [unreadFlags(daemonSet, daemonSet.config.problems)] : [];
  // A pod without a node has no agent yet.
  if (context.nodeName === '') return { daemonSet, findings: [], notes };
  return { daemonSet, findings: agentFindings(context.nodeName, { daemonSet, pods, node }), notes };
}

/**
 * What the agent of the node was started with; else the defaults, and with a broker: whether one is there is not known, and without it an
 * identity of type 3 would be one that nobody gets tokens of.
 */
export function nmiConfigOf(
  daemonSet: Installed<NmiConfig> | undefined,
  { nodeName, rules: { mode, forceNamespaced } }: Pick<ExplainContext, 'nodeName' | 'rules'>,
): NmiConfig {
  if (daemonSet && !('problems' in daemonSet.config)) return daemonSet.config;
  const broker = ['--broker=aad-pod-identity-broker', '--broker-token-file=unknown'];
  const flags = ['--identity-access', mode, `--forceNamespaced=${forceNamespaced}`, ...broker];
  const reading = readNmiConfig({ argv: ['--node', nodeName || 'unknown', ...flags], env: {} });
  if (reading.kind !== 'config') throw new TypeError('NMI has no defaults');
  return reading.config;
}

export function servicesBeside(
  { mic, broker, unknown }: Services,
  { isManaged, explanation }: { readonly isManaged: boolean; readonly explanation: NmiExplanation },
): readonly Finding[] {
  const isPartial = unknown.length > 0;
  return [
    ...(isManaged ? [] : [micFinding({ found: mic, isPartial })]),
    ...(needsBroker(explanation) ? [brokerFinding({ found: broker, isPartial })] : []),
  ];
}

/** Undefined: they may not be listed. */
async function podsOn(
  { session: { kube, signal }, nodeName: node }: ExplainContext,
  daemonSet: Installed<NmiConfig>,
): Promise<readonly AgentPod[] | undefined> {
  const { pods, unknown } = await readAgents({ nmi: [daemonSet] }, { kube, signal, node });
  return unknown.length > 0 ? undefined : pods;
}

async function readNodeObject({
  session: { kube, signal },
  nodeName: name,
}: ExplainContext): Promise<unknown> {
  const got = await getAllowed({ kube, signal, kind: coreKinds.nodes, name });
  return got.kind === 'read' ? got.object : undefined;
}

function unreadFlags({ namespace, name }: Installed<NmiConfig>, problems: readonly string[]): Finding {
  return info(
    'node',
    `the flags of NMI (DaemonSet ${namespace}/${name}) are not understood, its defaults are assumed: ${problems.join('; ')}`,
  );
}
