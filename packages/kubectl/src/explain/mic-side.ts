import { KubeError } from '@pod-identity/kit/kube';
import { info, waiting, type Finding } from '@pod-identity/policy';
import type { Installed } from '../cluster/services.ts';
import {
  createAssignedIdentityReader,
  readMicExplanation,
  readOriginalWarning,
  recordFinding,
  type MicConfig,
} from '../../../mic/src/commands/plug-in.ts';
import type { NmiExplanation } from '../../../nmi/src/commands/plug-in.ts';
import type { Reading } from './reading.ts';

export interface MicSide {
  readonly explanation?: Pick<NmiExplanation, 'findings' | 'result'>;
  /** Where MIC's view of the cluster may not be read: what it has written for the pod. */
  readonly records: readonly Finding[];
}

/** Without access to Azure. A user who may not list what MIC lists is told what MIC has written. */
export async function lookAtMic(
  reading: Reading,
  installed: readonly Installed<MicConfig>[],
): Promise<MicSide> {
  try {
    return { explanation: await readMicExplanation(explainingOf(reading, installed)), records: [] };
  } catch (error) {
    if (!(error instanceof KubeError && error.code === 'denied')) throw error;
    return { records: [unseen, ...(await readRecords(reading))] };
  }
}

function explainingOf(
  { session, target, rights, rules }: Reading,
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
  const [mic] = installed.flatMap(({ namespace, config }) =>
    'problems' in config ? [] : [{ namespace, config }],
  );
  if (mic === undefined) {
    const { forceNamespaced, mode: accessMode } = rules;
    return { ...common, rules: { namespace: undefined, forceNamespaced }, accessMode };
  }
  const { forceNamespaced, namespaceShareBytes, access, originalLock: lock, leader: lease } = mic.config;
  return {
    ...common,
    rules: { namespace: mic.namespace, forceNamespaced, namespaceShareBytes },
    accessMode: access.mode,
    originalRuns: readOriginalWarning({ lock, lease }, { transport, clock }),
  };
}

const unseen = info(
  'record',
  'what MIC makes of the pod and of its host is not known, since you may not read all that MIC reads; what it has written for the pod follows',
);

async function readRecords({ session: { signal }, target, reads }: Reading): Promise<readonly Finding[]> {
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
