import type { AccessMode } from '@pod-identity/crd-types';
import type { Session } from '../cli/command.ts';
import type { Installed } from '../cluster/services.ts';

export interface Rules {
  /** The strictest if it is not known. */
  readonly mode: AccessMode;
  readonly isKnown: boolean;
  readonly forceNamespaced: boolean;
  readonly notes: readonly string[];
}

/** By the flags of MIC, and of NMI where there is no MIC. */
export async function rulesOf(session: Pick<Session, 'services'>): Promise<Rules> {
  const { mic, nmi, unknown } = await session.services();
  const [micConfig, nmiConfig] = [firstConfig(mic), firstConfig(nmi)];
  const known = { isKnown: true, notes: [] };
  if (micConfig) return { ...known, mode: micConfig.access.mode, forceNamespaced: micConfig.forceNamespaced };
  if (nmiConfig)
    return { ...known, mode: nmiConfig.identityAccess, forceNamespaced: nmiConfig.forceNamespaced };
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

function firstConfig<C extends object>(installed: readonly Installed<C>[]): C | undefined {
  return installed.flatMap(({ config }) => ('problems' in config ? [] : [config]))[0];
}
