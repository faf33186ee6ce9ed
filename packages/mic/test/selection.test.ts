import { afterEach, expect, test } from 'vitest';
import { setStage, type Stage } from './stage.ts';

let stage: Stage;
afterEach(() => stage.close());

const apiVersion = 'aadpodidentity.k8s.io/v1';
const bindings = `/apis/${apiVersion}/namespaces/default/azureidentitybindings`;

async function enter(namespaces: readonly string[] = []) {
  stage = await setStage({ scaleSets: [{ name: 'vmss1', instances: 2 }], namespaces });
  await stage.town.identity({ name: 'app' });
  return stage.town;
}

function binding(name: string, spec: object) {
  return {
    apiVersion,
    kind: 'AzureIdentityBinding',
    metadata: { name, namespace: 'default' },
    spec: { azureIdentity: 'app', ...spec },
  };
}

const names = () => stage.states().map((state) => state.split('-default-')[0]);

test('pods are assigned by their labels and ServiceAccount, without the binding label, as long as a binding selects them', async () => {
  const town = await enter();
  await town.pod({ name: 'web', labels: { app: 'web' } });
  await town.pod({ name: 'job', labels: { app: 'job' }, serviceAccountName: 'batch' });
  await town.pod({ name: 'other', labels: { app: 'other' } });
  await town.client.request(
    'POST',
    bindings,
    binding('by-label', { podSelector: { matchLabels: { app: 'web' } } }),
  );
  await stage.startMic();
  await stage.allAssigned(1);
  expect(names()).toEqual(['web']);

  await town.client.request('POST', bindings, binding('by-account', { serviceAccountName: 'batch' }));
  await stage.allAssigned(2);
  expect(names()).toEqual(['job', 'web']);

  // The label of a running pod is changed, and the binding goes.
  await town.client.request('PATCH', '/api/v1/namespaces/default/pods/other', {
    metadata: { labels: { app: 'web' } },
  });
  await stage.allAssigned(3);
  await stage.remove('azureidentitybindings', 'by-label');
  await stage.until(() => stage.assigned().length === 1);
  expect(names()).toEqual(['job']);
});

test('a MIC that starts again takes nothing away from pods without the binding label', async () => {
  const town = await enter();
  await town.pod({ name: 'web', labels: { app: 'web' } });
  await town.client.request(
    'POST',
    bindings,
    binding('by-label', { podSelector: { matchLabels: { app: 'web' } } }),
  );
  const first = await stage.startMic();
  await stage.allAssigned(1);
  await first.stop();
  const writes = stage.writes('azureassignedidentities');
  await stage.startMic();
  await town.pod({ name: 'next', labels: { app: 'web' } });
  await stage.allAssigned(2);
  expect(stage.writes('azureassignedidentities')).toBe(writes + 1);
});

test('with such bindings in many namespaces MIC watches all pods once, and assigns and gives back as before', async () => {
  const crowd = Array.from({ length: 40 }, (_, number) => `crowd-${number}`);
  const town = await enter(crowd);
  await town.pod({ name: 'web', labels: { app: 'web' } });
  const byLabel = binding('by-label', { podSelector: { matchLabels: { app: 'web' } } });
  await town.client.request('POST', bindings, byLabel);
  const listed = Promise.withResolvers<undefined>();
  let lists = 0;
  await stage.startMic({
    onRequest: ({ path, query = {} }) => {
      if (path !== '/api/v1/pods' || query['labelSelector'] !== undefined || query['watch'] !== undefined)
        return;
      lists += 1;
      listed.resolve(undefined);
    },
  });
  await stage.allAssigned(1);
  for (const namespace of crowd) {
    const metadata = { name: 'by-label', namespace };
    await town.client.request('POST', bindings.replace('default', namespace), { ...byLabel, metadata });
  }
  await stage.within(listed.promise, 'a list of all pods');
  await town.pod({ name: 'late', labels: { app: 'web' } });
  await stage.allAssigned(2);
  await town.client.request('PATCH', '/api/v1/namespaces/default/pods/web', {
    metadata: { labels: { app: 'other' } },
  });
  await stage.until(() => stage.assigned().length === 1);
  expect(names()).toEqual(['late']);
  expect(lists).toBe(1);
});
