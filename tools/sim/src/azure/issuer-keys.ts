import type { JSONWebKeySet } from 'jose';

/** The public keys of an OpenID issuer, by discovery as in Entra. */
export async function discoverKeys(issuer: string): Promise<JSONWebKeySet> {
  const configuration = await fetchObject(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`);
  const { jwks_uri: location }: Readonly<Record<string, unknown>> = { ...configuration };
  if (typeof location !== 'string') throw new TypeError(`the configuration of ${issuer} names no jwks_uri`);
  const keys = await fetchObject(location);
  if (!isKeySet(keys)) throw new TypeError(`${location} is not a key set`);
  return keys;
}

async function fetchObject(url: string): Promise<object> {
  const response = await fetch(url, { signal: AbortSignal.timeout(5000) });
  const body: unknown = await response.json();
  if (!response.ok || typeof body !== 'object' || body === null)
    throw new TypeError(`${url} answered ${response.status}`);
  return body;
}

function isKeySet(value: object): value is JSONWebKeySet {
  return 'keys' in value && Array.isArray(value.keys);
}
