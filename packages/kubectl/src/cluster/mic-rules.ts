// What MIC's explanations need of its flags.
import type { AccessMode } from '@pod-identity/crd-types';
import type { Clock } from '@pod-identity/kit/core';
import type { KubeTransport } from '@pod-identity/kit/kube';
import { readOriginalWarning, type MicConfig } from '../../../mic/src/commands/plug-in.ts';
import type { Installed } from './services.ts';

export interface MicRules {
  readonly rules: {
    /** Of MIC's records; undefined: not known. */
    readonly namespace: string | undefined;
    readonly forceNamespaced: boolean;
    readonly namespaceShareBytes?: number;
  };
  readonly accessMode: AccessMode;
}

/** `otherwise`: what counts where no MIC runs, or its flags are not understood. */
export function micRulesOf(
  mic: Installed<MicConfig> | undefined,
  { forceNamespaced, mode }: { readonly forceNamespaced: boolean; readonly mode: AccessMode },
): MicRules {
  if (mic === undefined || 'problems' in mic.config)
    return { rules: { namespace: undefined, forceNamespaced }, accessMode: mode };
  const { config, namespace } = mic;
  const { namespaceShareBytes, access } = config;
  return {
    rules: { namespace, forceNamespaced: config.forceNamespaced, namespaceShareBytes },
    accessMode: access.mode,
  };
}

/** Reads who renews the lock of the original's MIC, as a message; undefined if the names of the lock are not known. */
export function originalWatcher(
  mic: Installed<MicConfig> | undefined,
  { kube: transport, clock }: { readonly kube: KubeTransport; readonly clock: Clock },
): ReturnType<typeof readOriginalWarning> | undefined {
  if (mic === undefined || 'problems' in mic.config) return undefined;
  const { originalLock: lock, leader: lease } = mic.config;
  return readOriginalWarning({ lock, lease }, { transport, clock });
}
