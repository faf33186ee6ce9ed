import { KubeError, tooLargeIn, type Fields, type KubeTransport } from '@pod-identity/kit/kube';
import { TokenError } from '../errors.ts';
import type { ServicePrincipal } from '../types.ts';
import {
  onlyOtherKey,
  readCredential,
  wantedKeys,
  type SecretData,
  type SecretValue,
  type StoredCredential,
  type WantedKeys,
} from './secret-keys.ts';

export type SecretReference = ServicePrincipal['secret'];

export interface ReadSecret {
  /** Differs if the Secret was changed or created again. */
  readonly version: string;
  /** A text says why there is no credential. */
  readonly stored: StoredCredential | string;
}

/** Both fail with a TokenError: `misconfigured` if the Secret does not exist or may not be read. */
export interface SecretReader {
  readonly version: (reference: SecretReference) => Promise<string>;
  readonly read: (
    reference: SecretReference,
    credential: ServicePrincipal['credential'],
  ) => Promise<ReadSecret>;
}

const timeoutMs = 3_000;

/** Holds nothing of a Secret in memory but its version and the keys of a credential: its editor can write a megabyte of anything. */
export function createSecretReader(transport: KubeTransport): SecretReader {
  const get = async (reference: SecretReference, data?: Fields) => {
    const [namespace, name] = [reference.namespace, reference.name].map(encodeURIComponent);
    const path = `/api/v1/namespaces/${namespace}/secrets/${name}`;
    const fields = { members: { metadata: secretMetadata, ...(data && { data }) } };
    try {
      return ((await transport.request({ method: 'GET', path, timeoutMs, fields })) ?? {}) as SecretShape;
    } catch (error) {
      throw error instanceof KubeError ? tokenErrorOf(error, reference) : error;
    }
  };
  const readKeys = async (reference: SecretReference, keys: WantedKeys) => {
    const object = await get(reference, fieldsOf(keys));
    return { version: versionOf(object), data: dataOf(object, keys) };
  };
  return {
    version: async (reference) => versionOf(await get(reference)),
    async read(reference, credential) {
      const named = await readKeys(reference, wantedKeys(credential));
      const only = onlyOtherKey(named.data);
      const { version, data } =
        only === undefined ? named : await readKeys(reference, wantedKeys(credential, only));
      if (onlyOtherKey(data) !== undefined) throw changedMeanwhile(reference);
      return { version, stored: readCredential(data, credential) };
    },
  };
}

interface SecretShape {
  readonly metadata?: { readonly uid?: string; readonly resourceVersion?: string };
  readonly data?: Readonly<Record<string, unknown>>;
}

/** What is read of a Secret besides its keys. */
export const secretMetadata: Fields = { members: { uid: { upTo: 256 }, resourceVersion: { upTo: 256 } } };

function fieldsOf({ limits, otherNames }: WantedKeys): Fields {
  const members = [...limits].map(([key, bytes]) => [key, { upTo: base64Length(bytes) }] as const);
  return { members: Object.fromEntries(members), ...(otherNames && { isMisspelt: () => true }) };
}

/** With its quotation marks. */
function base64Length(bytes: number): number {
  return 4 * Math.ceil(bytes / 3) + 2;
}

function versionOf({ metadata: { uid, resourceVersion } = {} }: SecretShape): string {
  return `${uid} ${resourceVersion}`;
}

function dataOf(object: SecretShape, { limits }: WantedKeys): SecretData {
  const data = new Map<string, SecretValue>();
  for (const [key, value] of Object.entries(object.data ?? {}))
    data.set(
      key,
      limits.has(key) ? Buffer.from(typeof value === 'string' ? value : '', 'base64') : 'not-read',
    );
  for (const { path, unknownNames } of tooLargeIn(object))
    if (!unknownNames) data.set(path.slice('data.'.length), 'too-large');
  return data;
}

function changedMeanwhile({ namespace, name }: SecretReference): TokenError {
  return new TokenError(
    'unavailable',
    `Secret ${namespace}/${name} was changed while it was read. Try again.`,
  );
}

function tokenErrorOf(error: KubeError, { namespace, name }: SecretReference): TokenError {
  const secret = `Secret ${namespace}/${name}`;
  if (error.code === 'not-found')
    return new TokenError('misconfigured', `${secret}, which spec.clientPassword names, does not exist.`, {
      cause: error,
    });
  if (error.code === 'denied' || error.code === 'unauthorized')
    return new TokenError('misconfigured', forbidden(secret, namespace), { cause: error });
  return new TokenError('unavailable', `The API server did not give ${secret} (${error.code}).`, {
    cause: error,
    retryAfterMs: error.retryAfterMs,
  });
}

function forbidden(secret: string, namespace: string): string {
  return (
    `NMI may not read ${secret}. Bind ClusterRole pod-identity-nmi-secrets to its service account with a RoleBinding in ` +
    `namespace ${namespace}.`
  );
}
