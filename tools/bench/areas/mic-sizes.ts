// The sizes of the clusters in which MIC is measured.
import type { ClusterSize } from '../cluster-world.ts';
import type { Scale } from '../scale.ts';
import type { AccessSizes } from './mic-access.ts';
import type { DecisionSizes } from './mic-decisions.ts';
import type { SelectionSizes } from './mic-selection.ts';

export interface MicSizes {
  readonly scaleSets: Omit<ClusterSize, 'pods'>;
  /** Pods of the three runs. */
  readonly runs: readonly [hundred: number, thousand: number, tenThousand: number];
  readonly large: ClusterSize;
  readonly churn: { readonly perSecond: number; readonly seconds: number };
  readonly decisions: DecisionSizes;
  readonly access: AccessSizes;
  readonly selection: SelectionSizes;
}

export const micSizes: Readonly<Record<Scale, MicSizes>> = {
  full: {
    scaleSets: { scaleSets: 20, nodesPerScaleSet: 10, identitiesPerScaleSet: 10 },
    runs: [100, 1_000, 10_000],
    large: { pods: 100_000, scaleSets: 50, nodesPerScaleSet: 100, identitiesPerScaleSet: 100 },
    churn: { perSecond: 100, seconds: 30 },
    decisions: { plans: [1_000, 10_000], changes: [1_000, 10_000, 100_000], changesTimed: 1_000 },
    access: { pods: 100_000, identities: 5_000 },
    selection: { pods: 10_000, bindings: 1_000, rounds: 41 },
  },
  smoke: {
    scaleSets: { scaleSets: 2, nodesPerScaleSet: 2, identitiesPerScaleSet: 2 },
    runs: [4, 8, 16],
    large: { pods: 40, scaleSets: 2, nodesPerScaleSet: 4, identitiesPerScaleSet: 4 },
    churn: { perSecond: 10, seconds: 2 },
    decisions: { plans: [10, 20], changes: [10, 20, 30], changesTimed: 5 },
    access: { pods: 60, identities: 10 },
    selection: { pods: 60, bindings: 40, rounds: 3 },
  },
};
