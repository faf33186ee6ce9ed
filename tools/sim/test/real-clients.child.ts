// Runs Azure's own client libraries against the simulator, in a process of its own: the trusted authority
// (NODE_EXTRA_CA_CERTS) and the address of IMDS are read from the environment at its start.
import {
  ClientAssertionCredential,
  ClientCertificateCredential,
  ClientSecretCredential,
  DefaultAzureCredential,
  ManagedIdentityCredential,
  type TokenCredential,
} from '@azure/identity';
import { ComputeManagementClient } from '@azure/arm-compute';
import { SecretClient } from '@azure/keyvault-secrets';

export interface ClientJob {
  readonly client: keyof typeof clients;
  readonly tenantId: string;
  readonly clientId: string;
  readonly entraUrl: string;
  readonly armUrl: string;
  readonly vaultUrl: string;
  readonly secret?: string;
  readonly certificate?: string;
  readonly assertion?: string;
  readonly subscriptionId: string;
  readonly resourceGroup: string;
  readonly scaleSet: string;
  readonly attach: string;
}

const scope = 'https://vault.azure.net/.default';

async function claims(credential: TokenCredential): Promise<unknown> {
  const token = await credential.getToken(scope);
  const payload: unknown = JSON.parse(Buffer.from(token?.token.split('.')[1] ?? '', 'base64url').toString());
  return payload;
}

const authority = (job: ClientJob) => ({ authorityHost: job.entraUrl, disableInstanceDiscovery: true });

const clients = {
  'managed identity': (job: ClientJob) => claims(new ManagedIdentityCredential({ clientId: job.clientId })),
  'managed identity, none named': () => claims(new ManagedIdentityCredential()),
  'default credential': (job: ClientJob) =>
    claims(new DefaultAzureCredential({ managedIdentityClientId: job.clientId })),
  secret: (job: ClientJob) =>
    claims(new ClientSecretCredential(job.tenantId, job.clientId, job.secret ?? '', authority(job))),
  certificate: (job: ClientJob) =>
    claims(
      new ClientCertificateCredential(
        job.tenantId,
        job.clientId,
        { certificate: job.certificate ?? '' },
        authority(job),
      ),
    ),
  assertion: (job: ClientJob) =>
    claims(
      new ClientAssertionCredential(
        job.tenantId,
        job.clientId,
        () => Promise.resolve(job.assertion ?? ''),
        authority(job),
      ),
    ),
  'key vault': async (job: ClientJob) => {
    const credential = new ManagedIdentityCredential({ clientId: job.clientId });
    const client = new SecretClient(job.vaultUrl, credential, { disableChallengeResourceVerification: true });
    const { value, properties } = await client.getSecret('greeting');
    return { value, version: properties.version };
  },
  'scale set': async (job: ClientJob) => {
    const credential = new ManagedIdentityCredential({ clientId: job.clientId });
    const compute = new ComputeManagementClient(credential, job.subscriptionId, { endpoint: job.armUrl });
    const { identity } = await compute.virtualMachineScaleSets.get(job.resourceGroup, job.scaleSet);
    const updated = await compute.virtualMachineScaleSets.update(job.resourceGroup, job.scaleSet, {
      identity: { type: 'UserAssigned', userAssignedIdentities: { [job.attach]: {} } },
    });
    return { before: Object.keys(identity?.userAssignedIdentities ?? {}), state: updated.provisioningState };
  },
};

const job = JSON.parse(process.argv[2] ?? '{}') as ClientJob;
try {
  console.log(JSON.stringify({ ok: await clients[job.client](job) }));
} catch (error) {
  const { name, message } = error instanceof Error ? error : new Error(String(error));
  console.log(JSON.stringify({ failed: { name, message } }));
}
