import { KubeError } from '@pod-identity/kit/kube';
import { info, waiting, type Finding } from '@pod-identity/policy';
import { micRulesOf, originalWatcher } from '../cluster/mic-rules.ts';
import type { Installed } from '../cluster/services.ts';
import {
  createAssignedIdentityReader,
  readMicExplanation,
  recordFinding,
  type MicConfig,
} from '../../../mic/src/commands/plug-in.ts';
import type { NmiExplanation } from '../../../nmi/src/commands/plug-in.ts';
import type { ExplainContext } from './explain-context.ts';

export interface MicSide {
  readonly explanation?: Pick<NmiExplanation, 'findings' | 'result'>;
  /** Where MIC's view of the cluster may not be read: what it has written for the pod. */
  readonly records: readonly Finding[];
}

/** Without access to Azure. A user who may not list what MIC lists is told what MIC has written. */
export async function readMicSide(
  context: ExplainContext,
  installed: readonly Installed<MicConfig>[],
): Promise<MicSide> {
  try {
    return { explanation: await readMicExplanation(explainingOf(context, installed)), records: [] };
  } catch (error) {
    if (!(error instanceof KubeError && error.code === 'denied')) throw error;
    return { records: [unseen, ...(await readRecords(context))] };
  }
}

function explainingOf(
  { session, target, rights, rules }: ExplainContext,
  installed: readonly Installed<MicConfig>[],
): Parameters<typeof readMicExplanation>[0] {
  const { kube: transport, clock, log, signal } = session;
  const common = {
    target: { namespace: target.namespace, pod: target.name },
    transport,
    reviewer: rights.reviewer,
    azure: undefined,
    clock,
    log,
    signal,
  };
  const mic = installed.find(({ config }) => !('problems' in config));
  const originalRuns = originalWatcher(mic, session);
  return { ...common, ...micRulesOf(mic, rules), ...(originalRuns && { originalRuns }) };
}

const unseen = info(
  'record',
  'what MIC makes of the pod and of its host is not known, since you may not read all that MIC reads; what it has written for the pod follows',
);

async function readRecords({
  session: { signal },
  target,
  reads,
}: ExplainContext): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  try {
    for await (const page of createAssignedIdentityReader(reads.transport).pages(signal))
      findings.push(
        ...page
          .filter((view) => view.podNamespace === target.namespace && view.podName === target.name)
          .map((view) => recordFinding(`${view.namespace}/${view.name}`, view)),
      );
  } catch (error) {
    if (!(error instanceof KubeError && error.code === 'denied')) throw error;
    return [info('record', `what MIC has written for the pod is not known: ${error.message}`)];
  }
  return findings.length > 0
    ? findings
    : [waiting('record', 'MIC has written no AzureAssignedIdentity for the pod')];
}
