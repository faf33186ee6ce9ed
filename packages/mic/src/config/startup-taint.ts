import type { FlagProblem, ObjectName } from '@pod-identity/kit/core';
import type { MicFlagValues } from './flags.ts';

/** The key of a taint, and whose pod of the node must be ready before it is removed: NMI's alone, or that of its canary too. */
export type StartupTaintSettings = MicFlagValues['startupTaint'];

export interface NodeSettings {
  /** Undefined: no node is changed. */
  readonly startupTaint: StartupTaintSettings | undefined;
  /** The DaemonSet of the canary; undefined: canaries are not looked at. */
  readonly canary: ObjectName | undefined;
  /** The DaemonSet of NMI; undefined: its pods are not looked at. */
  readonly nmi: ObjectName | undefined;
}

type Given = Pick<MicFlagValues, keyof NodeSettings>;

/**
 * Many users may create pods in the namespace `default`, also one that looks like NMI's. There the taint is not removed unless an
 * administrator has named the DaemonSet.
 */
export function nodeSettings({ startupTaint, canary, nmi }: Given, podNamespace: string): NodeSettings {
  const removesTaint = startupTaint.key !== '' && (nmi !== undefined || podNamespace !== 'default');
  const looksAtPods = removesTaint || canary !== undefined;
  return {
    startupTaint: removesTaint ? startupTaint : undefined,
    canary,
    nmi: looksAtPods ? (nmi ?? { namespace: podNamespace, name: 'nmi' }) : undefined,
  };
}

export function nodeProblems({ startupTaint, canary }: Given): readonly FlagProblem[] {
  if (startupTaint.waitsFor !== 'canary' || canary !== undefined) return [];
  return [{ name: 'startup-taint-waits-for', message: withoutCanary }];
}

const withoutCanary =
  '--startup-taint-waits-for=canary needs --canary-daemonset: name the DaemonSet of the canary, such as aad-pod-identity/nmi-canary';
