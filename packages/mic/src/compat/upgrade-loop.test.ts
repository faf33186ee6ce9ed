import { createFakeClock } from '@pod-identity/kit/testing';
import { KubeError, type KubeTransport } from '@pod-identity/kit/kube';
import { expect, test } from 'vitest';
import { createFakeLog } from '../apply/test/fake-log.ts';
import { upgradeSpelling } from './upgrade-loop.ts';

const minuteMs = 60_000;
const path = (name: string) => `/apis/aadpodidentity.k8s.io/v1/namespaces/ns/azureidentities/${name}`;

/** An API server with two old objects. `fail` is called for each PUT, with the name of the object. */
function setUp(fail: (name: string) => void) {
  const objects = new Map(
    ['bad', 'good'].map((name): [string, object] => [
      path(name),
      { metadata: { name, namespace: 'ns', resourceVersion: '1' }, spec: { ResourceID: 'x', ClientID: 'y' } },
    ]),
  );
  const sent: string[] = [];
  const transport: KubeTransport = {
    server: 'fake',
    close: () => Promise.resolve(),
    watch: () => {
      throw new TypeError('nothing is watched');
    },
    async request({ method, path: at, body }) {
      await Promise.resolve();
      const name = at.split('/').at(-1) ?? '';
      if (method !== 'GET') sent.push(`${method} ${name}`);
      if (at.includes('/configmaps')) return method === 'GET' ? { data: {} } : body;
      if (method === 'PUT') {
        fail(name);
        objects.set(at, body as object);
      }
      return (
        objects.get(at) ?? {
          items: at.endsWith('/azureidentities') ? [...objects.values()] : [],
          metadata: {},
        }
      );
    },
  };
  const clock = createFakeClock();
  const log = createFakeLog();
  const ending = new AbortController();
  const settings = {
    namespace: 'mic',
    version: '2.0',
    typeUpgrade: { enabled: true, configMap: 'config', key: 'status' },
  };
  const term = { signal: ending.signal, holds: () => !ending.signal.aborted };
  const done = upgradeSpelling({ settings, transport, term, clock, random: () => 0, log });
  return { clock, sent, log, done, end: () => ending.abort() };
}

test('attack: a write that gets no response ends the upgrade neither for other objects nor for its own: it is tried again in the same term', async () => {
  let isSilent = true;
  const { clock, sent, done } = setUp((name) => {
    if (name === 'bad' && isSilent) throw new KubeError('transport', 'no response within 30 s');
  });
  await clock.advance(minuteMs);
  expect(sent).toEqual(['PUT bad', 'PUT good']);
  isSilent = false;
  await clock.advance(5 * minuteMs);
  expect(sent).toEqual(['PUT bad', 'PUT good', 'PUT bad', 'PATCH config']);
  await done;
});

test('an object that fails for ever is tried ever more rarely, and the log names it each time', async () => {
  const { clock, sent, log, done, end } = setUp((name) => {
    if (name === 'bad') throw new KubeError('unavailable', 'the webhook does not answer');
  });
  await clock.advance(24 * 60 * minuteMs);
  const tries = sent.filter((line) => line === 'PUT bad').length;
  expect(tries).toBeGreaterThan(6);
  expect(tries).toBeLessThan(15);
  expect(log.lines.filter(({ fields }) => fields['name'] === 'bad')).toHaveLength(tries);
  expect(sent).not.toContain('PATCH config');
  end();
  await done;
});
