// A token of a ServiceAccount that ends within seconds. The API server gives none for less than ten minutes, but accepts what its own key has signed.
import { sign } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** The same token with another end. `kubeconfig`: of the test kit, beside whose key it is. */
export async function shortened(token: string, seconds: number, kubeconfig: string): Promise<string> {
  const key = await readFile(join(dirname(kubeconfig), 'pki/sa.key'));
  const [head = '', payload = ''] = token.split('.');
  const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as object;
  const exp = Math.floor(Date.now() / 1_000) + seconds;
  const signed = `${head}.${Buffer.from(JSON.stringify({ ...claims, exp })).toString('base64url')}`;
  return `${signed}.${sign('sha256', Buffer.from(signed), key).toString('base64url')}`;
}
