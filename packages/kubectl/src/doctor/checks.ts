import { checkAzure } from './check-azure.ts';
import { checkAgents, checkTaints } from './check-nodes.ts';
import { checkClientIds, checkFederated } from './check-identities.ts';
import { checkClocks } from './check-clocks.ts';
import { checkClouds } from './check-clouds.ts';
import { checkDefinitions } from './check-definitions.ts';
import { checkMetrics } from './check-metrics.ts';
import { checkOriginal } from './check-original.ts';
import { checkPods } from './check-pods.ts';
import { checkRights } from './check-rights.ts';
import { checkServices } from './check-services.ts';
import type { Check } from './facts.ts';

/** Causes before consequences. */
export const checks: readonly Check[] = [
  { id: 'definitions', holds: 'all definitions are served, with all fields', run: checkDefinitions },
  { id: 'services', holds: 'NMI and MIC are installed, of one version, and agree', run: checkServices },
  { id: 'original', holds: 'one MIC alone changes the machines', isAboutServices: true, run: checkOriginal },
  {
    id: 'rights',
    holds: 'MIC, NMI and the broker have their rights',
    isAboutServices: true,
    run: checkRights,
  },
  {
    id: 'clouds',
    holds: 'MIC, NMI and the broker are set for the same cloud, that of the nodes',
    isAboutServices: true,
    run: checkClouds,
  },
  { id: 'clocks', holds: 'the clocks agree', run: checkClocks },
  { id: 'agents', holds: 'NMI is ready wherever pods need it', isAboutServices: true, run: checkAgents },
  {
    id: 'metrics',
    holds: 'NMI hears from the API server, by its metrics',
    isAboutServices: true,
    run: checkMetrics,
  },
  { id: 'taints', holds: 'no start-up taint is left', isAboutServices: true, run: checkTaints },
  { id: 'client-ids', holds: 'no client id was refused', run: checkClientIds },
  {
    id: 'credentials',
    holds: 'no pod has missed a federated credential in the last 10 minutes',
    run: checkFederated,
  },
  {
    id: 'azure',
    holds: 'Azure has the identities that AzureIdentities name, and MIC has its roles',
    isOfAzure: true,
    run: checkAzure,
  },
  { id: 'pods', holds: 'every labelled pod has its identity', run: checkPods },
];
