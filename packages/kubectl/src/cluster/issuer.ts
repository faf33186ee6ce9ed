import { KubeError } from '@pod-identity/kit/kube';
import { textAt } from './fields.ts';
import type { ClusterReader, Known } from './lists.ts';

/** Of the tokens of ServiceAccounts. */
export async function readIssuer({ kube, signal }: ClusterReader): Promise<Known<string>> {
  try {
    const path = '/.well-known/openid-configuration';
    const value = textAt(await kube.request({ method: 'GET', path, signal }), 'issuer');
    return value === '' ? { unknown: 'the API server names no issuer of its tokens' } : { value };
  } catch (error) {
    // Unknown also where a proxy returns a page in its place: commands can tell the rest without it.
    if (!(error instanceof KubeError) || signal.aborted) throw error;
    return { unknown: `the issuer of the cluster's tokens cannot be read: ${error.message}` };
  }
}
