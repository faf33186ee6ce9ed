// Calls the URL in the first argument as MIC and NMI call the API server, ARM and the metadata service. The second is a kubeconfig.
import { createImdsClient } from '@pod-identity/imds-client';
import { connectKube } from '@pod-identity/kit/kube';
import { createHttpClient } from '@pod-identity/kit/serve';
import { createMetadataService } from '../../packages/nmi/src/tokens/metadata/metadata-service.ts';

const [url = '', kubeconfig = ''] = process.argv.slice(2);
const signal = AbortSignal.timeout(60_000);
const method = 'GET';
const headers = {};

const kube = await connectKube({ kubeconfig, userAgent: 'direct-calls' });
await kube.request({ method, path: '/api-server' });
await kube.close();

const arm = createHttpClient({ maxSockets: 1, idleMs: 4_000 });
await arm.send(new URL('/arm', url), { method, headers, signal, longestBody: 100 });
arm.close();

// MIC's own token.
await createImdsClient({ endpoint: url, maxRetries: 0 })
  .getToken({ resource: 'arm' })
  .catch(() => undefined);

const metadata = createMetadataService(url);
(await metadata.get('/metadata-of-nmi', { signal })).resume();
metadata.close();
