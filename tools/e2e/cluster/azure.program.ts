// Azure on a node of a real cluster: the metadata service at its well-known address, ARM on a port of the node.
import { startSim } from '@pod-identity/sim';
import { azureConfiguration, seed } from '../../stage/azure.ts';
import * as names from '../../stage/names.ts';
import { openMetadataDoor } from '../kernel/metadata-door.ts';
import { answerMessages } from '../kernel/program.ts';

export type AzureQuestions = typeof questions;

const sim = await startSim({ azure: { tenantId: names.tenant, seed: (world) => seed(world, 1) } });
const door = await openMetadataDoor('169.254.169.254', sim.azure.imdsUrl(`${names.scaleSet}_0`));

const questions = {
  /** The node's /etc/kubernetes/azure.json. */
  configuration: () => azureConfiguration(sim),
  attached: () => [...sim.azure.world.attachedTo(names.scaleSetId(names.scaleSet))],
  arrivals: () => door.arrivals(),
};
answerMessages(questions);
