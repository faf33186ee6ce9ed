import { readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { connectKube, type KubeTransport } from '@pod-identity/kit/kube';
import type { RunningApiServer } from '@pod-identity/kit/testing';
import { parse } from 'yaml';

/** With the rights of a ServiceAccount, `namespace/name`. */
export async function connectAs(server: RunningApiServer, account: string): Promise<KubeTransport> {
  const { clusters } = parse(await readFile(server.kubeconfig, 'utf8')) as { clusters: { name: string }[] };
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'c',
    clusters,
    users: [{ name: 'u', user: { token: await server.token(account) } }],
    contexts: [{ name: 'c', context: { cluster: clusters[0]?.name, user: 'u' } }],
  };
  // The folder is removed with the server.
  const file = join(dirname(server.kubeconfig), `${account.replace('/', '-')}.kubeconfig`);
  await writeFile(file, JSON.stringify(config));
  return connectKube({ kubeconfig: file, userAgent: 'nmi-test' });
}
