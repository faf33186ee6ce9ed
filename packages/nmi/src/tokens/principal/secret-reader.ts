import { KubeError, type KubeTransport } from '@pod-identity/kit/kube';
import { TokenError } from '../errors.ts';
import type { ServicePrincipal } from '../types.ts';
import {
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

export type SecretReader = ReturnType<typeof createSecretReader>;

const timeoutMs = 3_000;

/** Holds nothing of a Secret in memory but its version and the keys of a credential: its editor can write a megabyte of anything. */
export function createSecretReader(transport: KubeTransport) {
  const get = async (reference: SecretReference) => {
    const [namespace, name] = [reference.namespace, reference.name].map(encodeURIComponent);
    const path = `/api/v1/namespaces/${namespace}/secrets/${name}`;
    try {
      return ((await transport.request({ method: 'GET', path, timeoutMs })) ?? {}) as SecretShape;
    } catch (error) {
      throw error instanceof KubeError ? tokenErrorOf(error, reference) : error;
    }
  };
  return {
    /** Fails with a TokenError: `misconfigured` if the Secret does not exist or may not be read. */
    read: async (
      reference: SecretReference,
      credential: ServicePrincipal['credential'],
    ): Promise<ReadSecret> => {
      const object = await get(reference);
      const keys = Object.keys(object.data ?? {});
      const wanted = wantedKeys(credential, keys.length === 1 ? keys[0] : undefined);
      return { version: versionOf(object), stored: readCredential(dataOf(object, wanted), credential) };
    },
  };
}

interface SecretShape {
  readonly metadata?: { readonly uid?: string; readonly resourceVersion?: string };
  readonly data?: Readonly<Record<string, unknown>>;
}

function base64Length(bytes: number): number {
  return 4 * Math.ceil(bytes / 3);
}

function versionOf({ metadata: { uid, resourceVersion } = {} }: SecretShape): string {
  return `${uid} ${resourceVersion}`;
}

function dataOf({ data = {} }: SecretShape, { limits, otherNames }: WantedKeys): SecretData {
  const found = new Map<string, SecretValue>();
  for (const [key, value] of Object.entries(data)) {
    const most = limits.get(key);
    const text = typeof value === 'string' ? value : '';
    if (most === undefined) {
      if (otherNames) found.set(key, 'not-read');
    } else found.set(key, text.length > base64Length(most) ? 'too-large' : Buffer.from(text, 'base64'));
  }
  return found;
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
