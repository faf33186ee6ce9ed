// A file of its own, for `import()`: in the bundle an `import()` of undici itself has no exports but `default`.
import { EnvHttpProxyAgent, request } from 'undici';

/** Through a proxy where the environment names one. */
export function openEntraConnection() {
  const dispatcher = new EnvHttpProxyAgent({ connect: { timeout: 5_000 }, connections: 8 });
  return { send: request, dispatcher };
}
