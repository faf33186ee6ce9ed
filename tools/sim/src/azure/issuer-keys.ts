// The public keys of an OpenID issuer, by discovery as in Entra.
import { get } from 'node:https';
import { text } from 'node:stream/consumers';
import type { JSONWebKeySet } from 'jose';

export type FetchIssuerKeys = (issuer: string) => Promise<JSONWebKeySet>;

/** A server that publishes what issuers of any name publish: a real API server, whose issuer need not resolve to an address. */
interface IssuerServer {
  /** Without a slash at the end. */
  readonly url: string;
  /** PEM. */
  readonly ca: string;
}

/** By the addresses in the issuer's own documents. */
export const discoverKeys: FetchIssuerKeys = (issuer) => discover(issuer, issuer, fetchPublic);

/** The document is read at the server instead of the issuer's own address; the keys are where the document says. */
export function discoverKeysAt({ url, ca }: IssuerServer): FetchIssuerKeys {
  return (issuer) => discover(issuer, url, (address) => fetchTrusting(address, ca));
}

type FetchObject = (url: string) => Promise<object>;

async function discover(issuer: string, at: string, fetchObject: FetchObject): Promise<JSONWebKeySet> {
  const configuration = await fetchObject(`${at.replace(/\/$/, '')}/.well-known/openid-configuration`);
  const { issuer: named, jwks_uri: location }: Readonly<Record<string, unknown>> = { ...configuration };
  // OpenID Connect Discovery 1.0, section 4.3.
  if (named !== issuer) throw new TypeError(`the configuration of ${issuer} is that of ${String(named)}`);
  if (typeof location !== 'string') throw new TypeError(`the configuration of ${issuer} names no jwks_uri`);
  const keys = await fetchObject(location);
  if (!isKeySet(keys)) throw new TypeError(`${location} is not a key set`);
  return keys;
}

const timeoutMs = 5000;

async function fetchPublic(url: string): Promise<object> {
  const response = await fetch(url, { signal: AbortSignal.timeout(timeoutMs) });
  return objectIn(url, response.status, await response.json());
}

async function fetchTrusting(url: string, ca: string): Promise<object> {
  const { status, body } = await new Promise<{ status: number; body: Promise<string> }>((resolve, reject) => {
    get(url, { ca, agent: false, signal: AbortSignal.timeout(timeoutMs) }, (response) =>
      resolve({ status: response.statusCode ?? 0, body: text(response) }),
    ).on('error', reject);
  });
  return objectIn(url, status, JSON.parse(await body));
}

function objectIn(url: string, status: number, body: unknown): object {
  if (status !== 200 || typeof body !== 'object' || body === null)
    throw new TypeError(`${url} responded with ${status}`);
  return body;
}

function isKeySet(value: object): value is JSONWebKeySet {
  return 'keys' in value && Array.isArray(value.keys);
}
