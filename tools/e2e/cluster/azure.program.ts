// Azure beside a real cluster: the simulator, at an address for each service, and under Azure's own names.
import { readFile } from 'node:fs/promises';
import { startSim } from '@pod-identity/sim';
import { azureConfiguration, seed } from '../../stage/azure.ts';
import * as names from '../../stage/names.ts';
import { answerMessages } from '../kernel/program.ts';
import { openNameServer } from './names-of-azure.ts';
import { addressesByName, azureAddresses, metadataPort, publicUrls, reportsPort } from './places-of-azure.ts';
import { relay } from './relay.ts';
import { openReports } from './reports.ts';

export interface AzureGiven {
  readonly nodes: number;
}
export type AzureQuestions = typeof questions;

const { nodes } = JSON.parse(process.argv[2] ?? '{}') as AzureGiven;
/** So short that Azure's SDKs renew a token before each call: they keep those of Azure for hours. */
const tokenLifetimeSeconds = 60;
const sim = await startSim({
  azure: { tenantId: names.tenant, tokenLifetimeSeconds, publicUrls, seed: (world) => seed(world, nodes) },
});
const { azure } = sim;
const { host, vault, entra, arm } = azureAddresses;
await relay({ host: vault, port: 443 }, azure.vaultUrl(names.vault));
await relay({ host: entra, port: 443 }, azure.entraUrl);
await relay({ host: arm, port: 80 }, azure.armUrl);
for (let node = 0; node < nodes; node += 1)
  await relay({ host, port: metadataPort(node) }, azure.imdsUrl(`${names.scaleSet}_${node}`));
await openNameServer(host, addressesByName);
const reports = await openReports(host, reportsPort);

const scaleSet = names.scaleSetId(names.scaleSet);
const questions = {
  /** The nodes' /etc/kubernetes/azure.json. */
  configuration: () => ({
    ...azureConfiguration(sim),
    resourceManagerEndpoint: publicUrls.arm,
    activeDirectoryEndpoint: publicUrls.entra,
  }),
  /** The certificate of the authority behind the vault's and Entra's. */
  authority: () => readFile(azure.caFile, 'utf8'),
  attached: () => [...azure.world.attachedTo(scaleSet)],
  /** Waits until the scale set has, or has not, this identity. */
  untilAttached: async ({ id, isAttached }: { id: string; isAttached: boolean }) => {
    await azure.world.until(() => azure.world.attachedTo(scaleSet).includes(id.toLowerCase()) === isAttached);
  },
  /** Creates a managed identity. */
  identity: ({ name }: { name: string }) => {
    const resourceId = names.identityId(name);
    const { clientId } = azure.world.addIdentity({ resourceId, tenantId: names.tenant });
    return { id: resourceId, clientId };
  },
  /** Attaches it as another client of ARM does it. */
  attach: ({ id }: { id: string }) => azure.world.attach(scaleSet, id),
  /** The bodies of the PATCHes of the scale set and of its instances, with their paths. */
  patches: () =>
    azure.journal.entries({ service: 'arm', method: 'PATCH' }).map(({ path, body = '' }) => ({ path, body })),
  /** Waits until the vault has given a secret to this identity. */
  untilRead: async ({ id }: { id: string }) => {
    const { principalId } = azure.world.identity(id);
    for (let since = 0; !azure.reads().some((read) => read.principalId === principalId);)
      since = (await azure.journal.next({ service: 'vault', since })).sequence;
  },
  reports: () => reports.next(30_000),
};
answerMessages(questions);
