import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { afterwards, kubeconfigFor, plugIn } from './fixture.ts';

const line = (second: number, pod: string, resource = 'https://vault.azure.net') =>
  `${JSON.stringify({ time: `2026-01-01T00:00:0${second}Z`, level: 'info', component: 'nmi', msg: 'token issued', pod, resource })}\n`;

interface Logs {
  /** By the name of NMI's pod; the last one is of its present run, the one before of the run before. */
  readonly runs: Readonly<Record<string, readonly string[]>>;
  readonly isGone?: boolean;
  readonly mayReadLogs?: boolean;
}

/** An API server with the pod shop/web on node a, and NMI on the nodes a and b. */
async function serverWith(logs: Logs): Promise<string> {
  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://localhost');
    const [, agent] = /\/pods\/(nmi-.)\/log$/.exec(pathname) ?? [];
    if (agent !== undefined && logs.mayReadLogs !== false) {
      response.writeHead(200, { 'content-type': 'text/plain' });
      response.end(logOf(logs.runs[agent] ?? [], searchParams));
      return;
    }
    const body = agent === undefined ? objectsAt(pathname, searchParams, logs) : undefined;
    const [code, reason] = agent === undefined ? ([404, 'NotFound'] as const) : ([403, 'Forbidden'] as const);
    const refusal = { kind: 'Status', status: 'Failure', code, reason, message: `${reason}: ${pathname}` };
    response.writeHead(body ? 200 : code, { 'content-type': 'application/json' });
    response.end(JSON.stringify(body ?? refusal));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  afterwards(() => server.closeAllConnections());
  afterwards(() => server.close());
  return kubeconfigFor(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
}

const logOf = (runs: readonly string[], query: URLSearchParams): string =>
  runs.at(query.get('previous') === 'true' ? -2 : -1) ?? '';

function objectsAt(path: string, query: URLSearchParams, { runs, isGone }: Logs): object | undefined {
  switch (path) {
    case '/apis/apps/v1/daemonsets':
      return listOf([daemonSet]);
    case '/apis/authorization.k8s.io/v1/subjectaccessreviews':
      return { kind: 'SubjectAccessReview', status: { allowed: true } };
    case '/apis/apps/v1/deployments':
      return listOf([]);
    case '/api/v1/namespaces/shop/pods/web':
      return isGone === true ? undefined : { spec: { nodeName: 'a' }, status: { phase: 'Running' } };
    case '/api/v1/namespaces/aad-pod-identity/pods': {
      const node = /spec\.nodeName=(.)/.exec(query.get('fieldSelector') ?? '')?.[1];
      return listOf(['a', 'b'].filter((each) => node === undefined || each === node).map(agentOn(runs)));
    }
    default:
      return undefined;
  }
}

const listOf = (items: readonly object[]) => ({ kind: 'List', metadata: { resourceVersion: '1' }, items });

const daemonSet = {
  metadata: { namespace: 'aad-pod-identity', name: 'nmi', uid: 'set' },
  spec: {
    selector: { matchLabels: { component: 'nmi' } },
    template: { spec: { containers: [{ name: 'nmi', image: 'local.test/nmi:1', args: ['--node=a'] }] } },
  },
};

const agentOn = (runs: Logs['runs']) => (node: string) => ({
  metadata: { namespace: 'aad-pod-identity', name: `nmi-${node}`, ownerReferences: [{ uid: 'set' }] },
  spec: { nodeName: node, containers: [{ name: 'nmi', image: 'local.test/nmi:1' }] },
  status: { containerStatuses: [{ name: 'nmi', restartCount: (runs[`nmi-${node}`]?.length ?? 1) - 1 }] },
});

const resourcesIn = (out: string) => [...out.matchAll(/"resource":"([^"]+)"/g)].map(([, name]) => name);

test('the lines about the pod are printed, those before a restart of NMI too, and no others', async () => {
  const runs = {
    'nmi-a': [
      line(1, 'shop/web', 'before'),
      line(2, 'shop/other', 'other') + line(3, 'shop/web', 'after') + line(4, 'shop/web', 'last'),
    ],
    'nmi-b': [line(1, 'shop/web', 'elsewhere')],
  };
  const kubeconfig = await serverWith({ runs });
  const { code, out } = await plugIn(['logs', 'shop/web', '--kubeconfig', kubeconfig]);
  expect([code, resourcesIn(out)]).toEqual([0, ['before', 'after', 'last']]);
});

test('the logs of all nodes are searched for a pod that is gone', async () => {
  const runs = { 'nmi-a': [line(1, 'shop/web', 'a')], 'nmi-b': [line(1, 'shop/web', 'b')] };
  const kubeconfig = await serverWith({ runs, isGone: true });
  const { code, out, err } = await plugIn(['logs', 'shop/web', '--kubeconfig', kubeconfig]);
  expect([code, resourcesIn(out)]).toEqual([0, ['a', 'b']]);
  expect(err).toContain('there is no pod shop/web now');
});

test('a pod about which NMI wrote nothing is reported so', async () => {
  const kubeconfig = await serverWith({ runs: { 'nmi-a': [line(1, 'shop/other')] } });
  const { code, out, err } = await plugIn(['logs', 'shop/web', '--kubeconfig', kubeconfig]);
  expect([code, out]).toEqual([0, '']);
  expect(err).toContain('NMI wrote nothing about pod shop/web');
});

test('without the right to read the logs of NMI the missing right is named', async () => {
  const kubeconfig = await serverWith({ runs: {}, mayReadLogs: false });
  const { code, err } = await plugIn(['logs', 'shop/web', '--kubeconfig', kubeconfig]);
  expect(code).toBe(2);
  expect(err).toContain('pods/nmi-a/log');
});
