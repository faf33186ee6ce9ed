// Imports one client, gets one token, and prints what that took. Node 20 runs it as well. Arguments: the client, and how many times to
// get the token from the cache afterwards.
import { readFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';

const audience = 'https://vault.azure.net';

/** Imports of a client; each returns what gets a token. */
const clients = {
  bare: () => async () => undefined,
  'imds-client': async () => {
    const { createImdsClient } = await import('../../../packages/imds-client/dist/index.mjs');
    const client = createImdsClient();
    return () => client.getToken({ resource: audience });
  },
  identity: async () => {
    const { ManagedIdentityCredential } = await import('@azure/identity');
    const credential = new ManagedIdentityCredential();
    return () => credential.getToken(`${audience}/.default`);
  },
  msal: async () => {
    const { ManagedIdentityApplication } = await import('@azure/msal-node');
    const application = new ManagedIdentityApplication();
    return () => application.acquireToken({ resource: audience });
  },
};

const [, , name, cachedCalls] = process.argv;
const begun = performance.now();
const getToken = await clients[name]();
const importMs = performance.now() - begun;
await getToken();
const { user, system } = process.cpuUsage();
const residentMiB = Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync('/proc/self/status', 'utf8'))[1]) / 1024;
const cachedNs = await nanosecondsOf(Number(cachedCalls));
console.log(JSON.stringify({ importMs, cpuMs: (user + system) / 1000, residentMiB, cachedNs }));

/** Of one call, the fastest of a hundred series, because the machine may do other work in some; undefined without calls. */
async function nanosecondsOf(calls) {
  if (calls === 0) return undefined;
  const series = [];
  for (let number = 0; number < 100; number += 1) {
    const from = process.hrtime.bigint();
    for (let call = 0; call < calls; call += 1) await getToken();
    series.push(Number(process.hrtime.bigint() - from) / calls);
  }
  return Math.min(...series);
}
