import type { FlagProblem, FlagReading } from '@pod-identity/kit/core';

export interface StartupTaintSettings {
  readonly key: string;
  readonly daemonSet: { readonly namespace: string; readonly name: string };
}

const defaultName = 'nmi';

/**
 * Many users may create pods in the namespace `default`, also one that looks like NMI's. There the taint is not removed unless an
 * administrator has named the DaemonSet.
 */
export function readStartupTaint(
  flags: FlagReading,
  podNamespace: string,
): { readonly startupTaint?: StartupTaintSettings } {
  const key = flags.string('startup-taint');
  const [namespace = podNamespace, name = defaultName] =
    flags.optionalString('nmi-daemonset')?.split('/') ?? [];
  const isNamed = flags.optionalString('nmi-daemonset') !== undefined;
  if (key === '' || (namespace === 'default' && !isNamed)) return {};
  return { startupTaint: { key, daemonSet: { namespace, name } } };
}

export function startupProblems(flags: FlagReading): readonly FlagProblem[] {
  const given = flags.optionalString('nmi-daemonset');
  if (given === undefined || /^[a-z0-9-]+\/[a-z0-9.-]+$/.test(given)) return [];
  return [{ name: 'nmi-daemonset', message: `--nmi-daemonset must be NAMESPACE/NAME, not ${given}` }];
}
