// What `doctor` takes from the metrics of NMI's pods, through the proxy of an API server that stands in for the real one.
import { createServer, type RequestListener, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createMetrics } from '@pod-identity/kit/serve';
import { createFakeClock, type FakeClock } from '@pod-identity/kit/testing';
import { expect, test } from 'vitest';
import { readNmiConfig } from '../../nmi/src/commands/plug-in.ts';
import { metricSpecs } from '../../nmi/src/tell/metrics.ts';
import { connect } from '../src/cluster/connect.ts';
import type { Installed } from '../src/cluster/services.ts';
import { countsIn } from '../src/doctor/agent-counts.ts';
import { readMetrics } from '../src/doctor/read-metrics.ts';
import type { PodFacts } from '../src/doctor/facts.ts';
import { afterwards, kubeconfigFor } from './fixture.ts';

const reading = readNmiConfig({ argv: ['--node=n', '--prometheus-port=9123'], env: {} });
if (reading.kind !== 'config') throw new Error(JSON.stringify(reading));
const nmi = {
  role: 'nmi',
  kind: 'DaemonSet',
  namespace: 'system',
  name: 'nmi',
  account: 'nmi',
  argv: [],
  env: {},
  image: 'r/nmi:0.1.0',
  isOriginal: false,
  replicas: { wanted: 1, ready: 1 },
  object: {},
  config: reading.config,
} satisfies Installed<unknown>;

const agent = (name: string): PodFacts => ({
  namespace: 'system',
  name,
  labels: {},
  nodeName: `node-of-${name}`,
  isFinished: false,
  isReady: true,
  owner: 'DaemonSet/nmi',
  notReady: '',
});

interface Answers {
  /** Default: the user may get pods/proxy. */
  readonly isAllowed?: boolean;
  readonly metrics: (response: ServerResponse, pod: string) => unknown;
}

/** Reads of these pods; `clock` stands still. */
async function look({ isAllowed = true, metrics }: Answers, names = ['a'], clock = createFakeClock()) {
  const asked: string[] = [];
  const answer: RequestListener = (request, response) => {
    const { method, url = '' } = request;
    if (method === 'POST') {
      response.end(JSON.stringify({ kind: 'SelfSubjectAccessReview', status: { allowed: isAllowed } }));
      return;
    }
    asked.push(url);
    metrics(response, /pods\/([^:]*):/.exec(url)?.[1] ?? '');
  };
  const server = createServer(answer).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  afterwards(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const kubeconfig = await kubeconfigFor(`http://127.0.0.1:${port}`);
  const { kube } = await connect({ kubeconfig }, { env: {}, userAgent: 'test' });
  afterwards(() => kube.close());
  const { signal } = new AbortController();
  const pods = { kind: 'read', items: names.map(agent) } as const;
  const seen = await readMetrics({ kube, signal, clock }, { nmi: [nmi] }, pods);
  return { ...seen, asked };
}

const outcomes = (token: number, failed: number) =>
  `# TYPE x counter\naadpodidentity_nmi_outcomes_total{outcome="token"} ${token}\naadpodidentity_nmi_outcomes_total{outcome="token-failed"} ${failed}\n`;

test('the counts are those of the metrics that NMI serves', async () => {
  const metrics = createMetrics(metricSpecs);
  metrics.count('outcomes', { outcome: 'token' }, 7);
  metrics.count('outcomes', { outcome: 'token-failed' }, 3);
  metrics.count('outcomes', { outcome: 'unconfirmed' }, 2);
  metrics.count('outcomes', { outcome: 'access-unanswered' });
  metrics.set('watchAge', 4.5, { kind: 'pods' });
  metrics.set('watchAge', -1, { kind: 'namespaces' });
  metrics.set('foreignListeners', 1);
  expect(countsIn(await metrics.text())).toEqual({
    tokens: 7,
    failed: 3,
    unconfirmed: 3,
    silentSeconds: 4.5,
    foreignListeners: 1,
  });
});

test('they are read at the port of the flags, and again only if some have failed', async () => {
  const good = await look({ metrics: (response) => response.end(outcomes(5, 0)) });
  expect(good.asked).toEqual(['/api/v1/namespaces/system/pods/a:9123/proxy/metrics']);
  expect(good.agents).toMatchObject([{ pod: { name: 'a' }, counts: { tokens: 5, failed: 0 } }]);
  let failed = 3;
  const impatient = { ...createFakeClock(), sleep: () => Promise.resolve() };
  const bad = await look(
    { metrics: (response) => response.end(outcomes(5, (failed += 1))) },
    ['a'],
    impatient,
  );
  expect(bad.agents).toMatchObject([{ counts: { failed: 5 }, lately: { tokens: 0, failed: 1 } }]);
});

test('without the right to get pods/proxy nothing is asked, and that is said', async () => {
  const { agents, notes, asked } = await look({ isAllowed: false, metrics: (response) => response.end() });
  expect({ agents, notes, asked }).toEqual({
    agents: [],
    notes: ['you may not get pods/proxy in namespace system'],
    asked: [],
  });
});

test('of many pods fifty are looked at, and the rest is said', async () => {
  const names = Array.from({ length: 53 }, (_, at) => `p-${at}`);
  const { agents, notes, asked } = await look({ metrics: (response) => response.end(outcomes(1, 0)) }, names);
  expect([agents.length, asked.length]).toEqual([50, 50]);
  expect(notes).toEqual(['50 of 53 pods of NMI are looked at']);
});

const hostile: Readonly<Record<string, (response: ServerResponse) => unknown>> = {
  'a body without an end': (response) => {
    const more = () => {
      while (response.write('x'.repeat(64 * 1024)));
    };
    response.on('drain', more);
    more();
  },
  'metrics without an end': (response) => {
    const more = () => {
      while (response.write(outcomes(1, 0).repeat(500)));
    };
    response.on('drain', more);
    more();
  },
  '200 MB in one length': (response) => {
    response.writeHead(200, { 'content-length': 200 * 1024 * 1024 });
    response.write(Buffer.alloc(4 * 1024 * 1024, 'y'));
  },
  markup: (response) => response.end('<script>alert(1)</script>\u001b[2J'),
  'another type': (response) => response.end(JSON.stringify({ aadpodidentity_nmi_outcomes_total: 'NaN' })),
  'numbers that are none': (response) =>
    response.end(
      'aadpodidentity_nmi_outcomes_total{outcome="token"} 1e999\naadpodidentity_nmi_outcomes_total NaN\n',
    ),
  'an error of its own': (response) => {
    response.statusCode = 503;
    response.end(JSON.stringify({ kind: 'Status', message: 'z'.repeat(50_000) }));
  },
  'another place': (response) => {
    response.writeHead(307, { location: 'http://127.0.0.1:9/metrics' });
    response.end();
  },
  nothing: (response) => response.destroy(),
};

test.each(Object.entries(hostile))('attack: %s is said, and the other pods are read', async (_, answer) => {
  const metrics = (response: ServerResponse, pod: string) =>
    pod === 'a' ? answer(response) : response.end(outcomes(1, 0));
  const { agents, notes } = await look({ metrics }, ['a', 'b']);
  expect(agents.map(({ pod }) => pod.name)).toEqual(['b']);
  expect(notes).toHaveLength(1);
  expect(notes[0]).toContain('pod system/a');
  expect(notes[0]?.length).toBeLessThan(400);
  expect(notes[0]).not.toContain('script');
});

test.each([
  ['is silent', () => undefined],
  [
    'drips',
    (response: ServerResponse, clock: FakeClock) => {
      const drip = () => {
        if (response.destroyed) return;
        response.write('#');
        clock.after(500, drip);
      };
      drip();
    },
  ],
] as const)('attack: a pod that %s is waited for three seconds', async (_, answer) => {
  const clock = createFakeClock();
  const asked = Promise.withResolvers<undefined>();
  const metrics = (response: ServerResponse) => {
    asked.resolve(undefined);
    answer(response, clock);
  };
  const looking = look({ metrics }, ['a'], clock);
  await asked.promise;
  await clock.advance(3_000);
  expect((await looking).notes).toEqual([
    'the metrics of pod system/a cannot be read: no metrics within 3 s',
  ]);
});
