// Requests a Key Vault token with one version of Azure's SDK for JavaScript, as a program in a pod does.
import * as current from '@azure/identity';
import * as older from 'identity-3';
import { printResult, readRequest } from './program.ts';

const { version, credential, clientId, resourceId, objectId } = readRequest();
const { ManagedIdentityCredential, DefaultAzureCredential } =
  version === 'older' ? (older as unknown as typeof current) : current;

function managed() {
  if (clientId !== undefined) return new ManagedIdentityCredential(clientId);
  if (resourceId !== undefined) return new ManagedIdentityCredential({ resourceId });
  if (objectId !== undefined) return new ManagedIdentityCredential({ objectId });
  return new ManagedIdentityCredential();
}

function byDefault() {
  if (clientId !== undefined) return new DefaultAzureCredential({ managedIdentityClientId: clientId });
  if (resourceId !== undefined) return new DefaultAzureCredential({ managedIdentityResourceId: resourceId });
  return new DefaultAzureCredential();
}

await printResult(async () => {
  const asked = credential === 'default' ? byDefault() : managed();
  return (await asked.getToken('https://vault.azure.net/.default')).token;
});
