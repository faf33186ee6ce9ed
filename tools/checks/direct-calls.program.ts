// Calls the URL in the first argument as MIC and NMI call the API server, ARM and the metadata service. The second is a kubeconfig.
import { connectKube } from '@pod-identity/kit/kube';
import { createHttpClient, fetchOnce } from '../../packages/mic/src/azure/http-client.ts';
import { createMetadataService } from '../../packages/nmi/src/tokens/metadata/metadata-service.ts';

const [url = '', kubeconfig = ''] = process.argv.slice(2);
const signal = AbortSignal.timeout(60_000);
const method = 'GET';
const headers = {};

const kube = await connectKube({ kubeconfig, userAgent: 'direct-calls' });
await kube.request({ method, path: '/api-server' });
await kube.close();

const door = createHttpClient();
(await door.send(new URL('/arm', url), { method, headers, signal })).resume();
door.close();

await fetchOnce(`${url}/metadata-of-mic`, { method, headers, signal, redirect: 'manual' });

const metadata = createMetadataService(url);
(await metadata.get('/metadata-of-nmi', { signal })).resume();
metadata.close();
