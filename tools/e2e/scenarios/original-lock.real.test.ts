// The original's MIC beside ours, represented by renewals of its lock. The Role for that is the manifests'.
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { describeRealServers, type ServerUnderTest } from '../servers.ts';
import { openStage, type Stage } from '../../stage/stage.ts';
import { untilObject } from '../../stage/until.ts';

const name = 'aad-pod-identity-mic';
const path = '/api/v1/namespaces/default/endpoints';

/** Renews the lock as the original does, but more often; resolves after it was stopped. */
async function renew(stage: Stage, signal: AbortSignal): Promise<void> {
  for (let beat = 0; !signal.aborted; beat += 1) {
    const record = {
      holderIdentity: 'mic-of-old-0',
      leaseDurationSeconds: 15,
      leaderTransitions: 1,
      renewTime: new Date().toISOString(),
    };
    const annotations = { 'control-plane.alpha.kubernetes.io/leader': JSON.stringify(record) };
    const method = beat === 0 ? 'POST' : 'PATCH';
    await stage.kube.request({
      method,
      path: beat === 0 ? path : `${path}/${name}`,
      ...(beat > 0 && { contentType: 'application/merge-patch+json' }),
      body: { apiVersion: 'v1', kind: 'Endpoints', metadata: { name, namespace: 'default', annotations } },
    });
    await delay(1_000, undefined, { signal }).catch(() => undefined);
  }
}

describeRealServers('the lock of the original on $name', (choice) => {
  let server: ServerUnderTest;
  let stage: Stage;
  let gone: AbortController;
  let renewing: Promise<void>;

  const start = () => {
    gone = new AbortController();
    renewing = renew(stage, gone.signal);
  };
  const stop = async () => {
    gone.abort();
    await renewing;
  };

  beforeAll(async () => {
    server = await choice.start();
    stage = await openStage({ ...server.options, nodes: 1 });
    await stage.install();
    start();
    await untilObject(stage.kube, { path, fits: ({ metadata }) => metadata.name === name });
  });
  afterAll(async () => {
    await stop();
    await stage.kube.request({ method: 'DELETE', path: `${path}/${name}` });
    await stage.stop();
    await server.stop();
  });

  test('the first MIC waits while the lock is renewed, and leads after the renewals end', async () => {
    const mic = await stage.startMic('1');
    expect(await mic.line((line) => line.includes('standing by'))).toContain('mic-of-old-0');
    expect(mic.lines.join('\n')).not.toContain('became leader');
    await stop();
    await mic.logged('became leader');
    await mic.stop();
  });

  test('a later one leads at once, and reports the lock', async () => {
    await stage.kube.request({ method: 'DELETE', path: `${path}/${name}` });
    start();
    const mic = await stage.startMic('2');
    await mic.logged('became leader');
    expect(await mic.line((line) => line.includes('runs too'))).toContain(
      'mic-of-old-0 renews the lock default/aad-pod-identity-mic',
    );
    await mic.stop();
  });
});
