import { KubeError, type KubeTransport } from '@pod-identity/kit/kube';
import { TokenError } from '../errors.ts';
import type { ServicePrincipal } from '../types.ts';
import type { SecretData } from './secret-keys.ts';

export type SecretReference = ServicePrincipal['secret'];

/** Immutable: another version is another object. */
export interface ReadSecret {
  /** Differs if the Secret was changed or created again. */
  readonly version: string;
  readonly data: SecretData;
}

export interface SecretReader {
  /** Fails with a TokenError: `misconfigured` if the Secret does not exist or may not be read. */
  readonly read: (reference: SecretReference) => Promise<ReadSecret>;
}

const timeoutMs = 3_000;

export function createSecretReader(transport: KubeTransport): SecretReader {
  const read: SecretReader['read'] = async (reference) => {
    const [namespace, name] = [reference.namespace, reference.name].map(encodeURIComponent);
    try {
      return trim(
        await transport.request({
          method: 'GET',
          path: `/api/v1/namespaces/${namespace}/secrets/${name}`,
          timeoutMs,
        }),
      );
    } catch (error) {
      throw error instanceof KubeError ? tokenErrorOf(error, reference) : error;
    }
  };
  return { read };
}

interface SecretShape {
  readonly metadata?: { readonly uid?: string; readonly resourceVersion?: string };
  readonly data?: Readonly<Record<string, unknown>>;
}

function trim(object: unknown): ReadSecret {
  const { metadata = {}, data } = (object ?? {}) as SecretShape;
  const entries = Object.entries(data ?? {}).map(
    ([key, value]) => [key, Buffer.from(typeof value === 'string' ? value : '', 'base64')] as const,
  );
  return { version: `${metadata.uid} ${metadata.resourceVersion}`, data: new Map(entries) };
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
