import type { FlagProblem, FlagReading } from '@pod-identity/kit/core';

interface ObjectName {
  readonly namespace: string;
  readonly name: string;
}

export interface StartupTaintSettings {
  readonly key: string;
  /** Whose pod of the node must be ready: NMI's alone, or that of its canary too. */
  readonly waitsFor: 'nmi' | 'canary';
}

export interface NodeSettings {
  /** Undefined: no node is changed. */
  readonly startupTaint?: StartupTaintSettings;
  /** The DaemonSet of the canary; undefined: canaries are not looked at. */
  readonly canary?: ObjectName;
  /** The DaemonSet of NMI; undefined: its pods are not looked at. */
  readonly nmi?: ObjectName;
}

const defaultName = 'nmi';

/**
 * Many users may create pods in the namespace `default`, also one that looks like NMI's. There the taint is not removed unless an
 * administrator has named the DaemonSet.
 */
export function readNodes(flags: FlagReading, podNamespace: string): NodeSettings {
  const key = flags.string('startup-taint');
  const canary = nameIn(flags, 'canary-daemonset');
  const named = nameIn(flags, 'nmi-daemonset');
  const nmi = named ?? { namespace: podNamespace, name: defaultName };
  const removesTaint = key !== '' && (named !== undefined || podNamespace !== 'default');
  const waitsFor = flags.string('startup-taint-waits-for') === 'canary' ? 'canary' : 'nmi';
  return {
    ...(removesTaint && { startupTaint: { key, waitsFor } }),
    ...(canary && { canary }),
    ...((removesTaint || canary) && { nmi }),
  };
}

function nameIn(flags: FlagReading, flag: 'nmi-daemonset' | 'canary-daemonset'): ObjectName | undefined {
  const [namespace, name] = flags.optionalString(flag)?.split('/') ?? [];
  return namespace === undefined || name === undefined ? undefined : { namespace, name };
}

export function nodeProblems(flags: FlagReading): readonly FlagProblem[] {
  const malformed = (['nmi-daemonset', 'canary-daemonset'] as const).flatMap((name) => {
    const given = flags.optionalString(name);
    if (given === undefined || /^[a-z0-9-]+\/[a-z0-9.-]+$/.test(given)) return [];
    return [{ name, message: `--${name} must be NAMESPACE/NAME, not ${given}` }];
  });
  const waits = flags.string('startup-taint-waits-for') === 'canary';
  if (!waits || flags.optionalString('canary-daemonset') !== undefined) return malformed;
  return [...malformed, { name: 'startup-taint-waits-for', message: withoutCanary }];
}

const withoutCanary =
  '--startup-taint-waits-for=canary needs --canary-daemonset: name the DaemonSet of the canary, such as aad-pod-identity/nmi-canary';
