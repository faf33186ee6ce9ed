// Requests a Key Vault token with one version of msal-node, the library below Azure's SDKs for JavaScript.
import * as current from '@azure/msal-node';
import * as older from 'msal-node-2';
import { printResult, readRequest } from './program.ts';

const { version, clientId, resourceId, objectId } = readRequest();
const { ManagedIdentityApplication } = version === 'older' ? (older as unknown as typeof current) : current;

function selected() {
  if (clientId !== undefined) return { userAssignedClientId: clientId };
  if (resourceId !== undefined) return { userAssignedResourceId: resourceId };
  if (objectId !== undefined) return { userAssignedObjectId: objectId };
  return undefined;
}

await printResult(async () => {
  const managedIdentityIdParams = selected();
  const application = new ManagedIdentityApplication(
    managedIdentityIdParams === undefined ? {} : { managedIdentityIdParams },
  );
  return (await application.acquireToken({ resource: 'https://vault.azure.net' })).accessToken;
});
