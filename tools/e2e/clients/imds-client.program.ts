// Requests a Key Vault token with this project's own client.
import { createImdsClient } from '@pod-identity/imds-client';
import { printResult, readRequest } from './program.ts';

const { clientId, resourceId, objectId } = readRequest();
const selector = {
  ...(clientId !== undefined && { clientId }),
  ...(resourceId !== undefined && { resourceId }),
  ...(objectId !== undefined && { objectId }),
};

await printResult(async () => {
  const client = createImdsClient();
  return (await client.getToken({ resource: 'https://vault.azure.net', ...selector })).token;
});
