// The whole life of an installation on one real cluster of two nodes of a scale set. Only Azure is simulated.
import { whyNoCluster } from '@pod-identity/kit/testing';
import { afterAll, beforeAll, describe } from 'vitest';
import { describeArticle } from '../cluster/chapters/article.ts';
import { describeChanges } from '../cluster/chapters/changes.ts';
import { describeFaults } from '../cluster/chapters/faults.ts';
import { describeRemovalAndOriginal } from '../cluster/chapters/original.ts';
import { describePods } from '../cluster/chapters/pods.ts';
import { openClusterStage, type ClusterStage } from '../cluster/stage.ts';

const missing = whyNoCluster();
if (missing !== undefined) console.warn(`cluster-suite is skipped: ${missing}`);

describe.skipIf(missing !== undefined)('on a real cluster of two nodes', () => {
  let stage: ClusterStage;
  let stop: () => Promise<void> = () => Promise.resolve();
  beforeAll(async () => {
    stage = await openClusterStage({ nodes: 2, images: ['mic', 'nmi', 'keyvault-sample'] });
    stop = stage.stop;
  });
  afterAll(() => stop());

  const open = () => stage;
  describeArticle(open);
  describePods(open);
  describeChanges(open);
  describeFaults(open);
  describeRemovalAndOriginal(open);
});
