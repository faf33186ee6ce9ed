// Room: which rules and rights count in the cluster, as the services and the API server say it.
// It must not look at pods or bindings.
import { strictestMode, type AccessMode } from '@pod-identity/crd-types';
import { configsOf, type Services } from '../cluster/services.ts';

export interface Rules {
  /** The strictest if it is not known. */
  readonly mode: AccessMode;
  readonly isKnown: boolean;
  readonly forceNamespaced: boolean;
  readonly notes: readonly string[];
}

/** By the flags of both: the stricter mode, and pods of other namespaces if one of them lets them. */
export function rulesOf({ mic, nmi, unknown }: Pick<Services, 'mic' | 'nmi' | 'unknown'>): Rules {
  const [[controller], [agent]] = [configsOf(mic), configsOf(nmi)];
  if (controller ?? agent)
    return {
      isKnown: true,
      mode: strictestMode(controller?.access.mode ?? 'namespace', agent?.identityAccess ?? 'namespace'),
      forceNamespaced: [controller, agent].every((config) => config?.forceNamespaced !== false),
      notes: [],
    };
  const why = unknown.length > 0 ? unknown.join('; ') : 'neither MIC nor NMI was found';
  return {
    mode: 'rbac',
    isKnown: false,
    forceNamespaced: true,
    notes: [
      `the flags of MIC and NMI are not known (${why}): it is assumed that rights decide (--identity-access=rbac)`,
    ],
  };
}

/** In mode `namespace`: that rights do not decide. */
export function notesOn({ mode }: Rules): readonly string[] {
  return mode === 'namespace'
    ? [
        'in mode namespace rights decide only about federated identities and in namespaces whose annotation makes them stricter: elsewhere whoever a binding gives an identity may use it',
      ]
    : [];
}
