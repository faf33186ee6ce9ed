import type { CertificateVersion, Kind, KeyVersion, SecretVersion, Version } from './vault-objects.ts';
import type { Vault } from './vaults.ts';

export interface Wanted {
  readonly kind: Kind;
  readonly name: string;
  /** The newest when undefined. */
  readonly version: string | undefined;
}

/** What a successful GET returns; undefined if there is no such object. `base` is the address of the vault. */
export function bodyOf(vault: Vault, wanted: Wanted, base: string): object | undefined {
  const urls: Urls = (kind, { version }) => `${base}/${kind}/${wanted.name}/${version}`;
  switch (wanted.kind) {
    case 'secrets':
      return withFound(vault.secrets, wanted, (secret) => secretBody(secret, urls));
    case 'keys':
      return withFound(vault.keys, wanted, (key) => keyBody(key, urls));
    case 'certificates':
      return withFound(vault.certificates, wanted, (certificate) => certificateBody(certificate, urls));
  }
}

export function findVersion<V extends Version>(
  objects: ReadonlyMap<string, readonly V[]>,
  { name, version }: Wanted,
): V | undefined {
  const versions = objects.get(name.toLowerCase()) ?? [];
  return version === undefined ? versions.at(-1) : versions.find((one) => one.version === version);
}

interface List {
  readonly kind: Kind;
  readonly query: URLSearchParams;
}

const mostOnAPage = 25;

/** A page of a list: the newest version of each object, without its value and version. Undefined for a size that no page may have. */
export function pageOf(vault: Vault, { kind, query }: List, base: string): object | undefined {
  const size = Number(query.get('maxresults') ?? mostOnAPage);
  if (!(Number.isInteger(size) && size >= 1 && size <= mostOnAPage)) return undefined;
  const start = Number(query.get('$skiptoken') ?? 0);
  const all = [...vault[kind]];
  const value = all.slice(start, start + size).flatMap(([name, versions]) => {
    const newest = versions.at(-1);
    return newest === undefined ? [] : [listed(kind, `${base}/${kind}/${name}`, newest)];
  });
  const next = new URLSearchParams(query);
  next.set('$skiptoken', String(start + size));
  return { value, nextLink: start + size < all.length ? `${base}/${kind}?${next.toString()}` : null };
}

function listed(kind: Kind, id: string, version: SecretVersion | KeyVersion | CertificateVersion): object {
  return {
    [kind === 'keys' ? 'kid' : 'id']: id,
    ...common(version),
    ...(kind === 'secrets' && 'contentType' in version ? { contentType: version.contentType } : {}),
    ...('thumbprint' in version ? { x5t: version.thumbprint } : {}),
  };
}

type Urls = (kind: Kind, version: Version) => string;

function withFound<V extends Version>(
  objects: ReadonlyMap<string, readonly V[]>,
  wanted: Wanted,
  body: (found: V) => object,
): object | undefined {
  const found = findVersion(objects, wanted);
  return found && body(found);
}

function secretBody(secret: SecretVersion, urls: Urls): object {
  const { value, contentType } = secret;
  return {
    value,
    ...(contentType === undefined ? {} : { contentType }),
    id: urls('secrets', secret),
    ...common(secret),
    // The key that belongs to the secret of a certificate.
    ...(secret.managed === true ? { kid: urls('keys', secret) } : {}),
  };
}

const rsaOperations = ['encrypt', 'decrypt', 'sign', 'verify', 'wrapKey', 'unwrapKey'];

function keyBody(key: KeyVersion, urls: Urls): object {
  return {
    key: { kid: urls('keys', key), kty: 'RSA', key_ops: rsaOperations, ...key.jwk },
    ...common(key),
  };
}

function certificateBody(certificate: CertificateVersion, urls: Urls): object {
  return {
    id: urls('certificates', certificate),
    kid: urls('keys', certificate),
    sid: urls('secrets', certificate),
    x5t: certificate.thumbprint,
    cer: certificate.cer,
    ...common(certificate),
  };
}

function common({ createdAt, enabled = true, expiresAt, managed }: Version): object {
  const created = Math.floor(createdAt / 1000);
  return {
    attributes: {
      enabled,
      ...(expiresAt === undefined ? {} : { exp: Math.floor(expiresAt / 1000) }),
      created,
      updated: created,
      recoveryLevel: 'Recoverable+Purgeable',
      recoverableDays: 90,
    },
    tags: {},
    ...(managed === true ? { managed } : {}),
  };
}
