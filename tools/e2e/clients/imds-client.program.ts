// Requests a Key Vault token with this project's own client.
import { createImdsClient, type Identity } from '@pod-identity/imds-client';
import { printResult, readRequest } from './program.ts';

const { clientId, resourceId, objectId, requestTimeoutMs } = readRequest();

function identityOf(): Identity | undefined {
  if (clientId !== undefined) return { clientId };
  if (objectId !== undefined) return { objectId };
  return resourceId === undefined ? undefined : { resourceId };
}

await printResult(async () => {
  const client = createImdsClient({ requestTimeoutMs });
  return (await client.getToken({ resource: 'https://vault.azure.net', identity: identityOf() })).token;
});
