// The sizes of the clusters in which MIC is measured.
import type { ClusterSize } from '../cluster-world.ts';
import type { Scale } from '../scale.ts';

export interface MicSizes {
  readonly scaleSets: Omit<ClusterSize, 'pods'>;
  /** Pods of the three runs. */
  readonly runs: readonly [hundred: number, thousand: number, tenThousand: number];
  readonly large: ClusterSize;
  readonly churn: { readonly perSecond: number; readonly seconds: number };
}

export const micSizes: Readonly<Record<Scale, MicSizes>> = {
  full: {
    scaleSets: { scaleSets: 20, nodesPerScaleSet: 10, identitiesPerScaleSet: 10 },
    runs: [100, 1_000, 10_000],
    large: { pods: 100_000, scaleSets: 50, nodesPerScaleSet: 100, identitiesPerScaleSet: 100 },
    churn: { perSecond: 100, seconds: 30 },
  },
  smoke: {
    scaleSets: { scaleSets: 2, nodesPerScaleSet: 2, identitiesPerScaleSet: 2 },
    runs: [4, 8, 16],
    large: { pods: 40, scaleSets: 2, nodesPerScaleSet: 4, identitiesPerScaleSet: 4 },
    churn: { perSecond: 10, seconds: 2 },
  },
};
