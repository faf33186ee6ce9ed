import { KubeError } from '@pod-identity/kit/kube';
import { textAt } from './fields.ts';
import type { ClusterReader } from './lists.ts';

/** Of the tokens of ServiceAccounts. Undefined if it cannot be read, also where a proxy returns a page in its place: commands can tell the rest without it. */
export async function readIssuer({ kube, signal }: ClusterReader): Promise<string | undefined> {
  try {
    const path = '/.well-known/openid-configuration';
    return textAt(await kube.request({ method: 'GET', path, signal }), 'issuer') || undefined;
  } catch (error) {
    if (!(error instanceof KubeError) || signal.aborted) throw error;
    return undefined;
  }
}
