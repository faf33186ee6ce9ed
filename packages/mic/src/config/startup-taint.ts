import type { ObjectName } from '@pod-identity/kit/core';
import type { MicFlagValues } from './flags.ts';

/** Undefined: no node is changed, and no pod of NMI is looked at. */
export interface NodeSettings {
  /** The key of the taint that is removed when NMI's pod of the node is ready. */
  readonly startupTaint: string | undefined;
  /** The DaemonSet of NMI. */
  readonly nmi: ObjectName | undefined;
}

type Given = Pick<MicFlagValues, keyof NodeSettings>;

/**
 * Many users may create pods in the namespace `default`, also one that looks like NMI's. There the taint is not removed unless an
 * administrator has named the DaemonSet.
 */
export function nodeSettings({ startupTaint, nmi }: Given, podNamespace: string): NodeSettings {
  const removesTaint = startupTaint !== '' && (nmi !== undefined || podNamespace !== 'default');
  return removesTaint
    ? { startupTaint, nmi: nmi ?? { namespace: podNamespace, name: 'nmi' } }
    : { startupTaint: undefined, nmi: undefined };
}
