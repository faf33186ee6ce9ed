// Asks for a Key Vault token as any program in a pod would, and says whose token it is.
import { ManagedIdentityApplication } from '@azure/msal-node';

const selector = JSON.parse(process.argv[2] ?? '{}') as Record<string, string>;
const application = new ManagedIdentityApplication(
  Object.keys(selector).length === 0 ? {} : { managedIdentityIdParams: selector },
);
try {
  const { accessToken } = await application.acquireToken({ resource: 'https://vault.azure.net' });
  const claims = JSON.parse(Buffer.from(accessToken.split('.')[1] ?? '', 'base64url').toString()) as {
    appid?: string;
  };
  console.log(`msal: token of ${claims.appid ?? 'nobody'}`);
} catch (error) {
  console.log(`msal: refused ${String(error).replaceAll('\n', ' ')}`);
}
