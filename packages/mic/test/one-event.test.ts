// What MIC writes to the API server for one event, Events, conditions and the Lease aside.
import type { KubeRequest } from '@pod-identity/kit/kube';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { setStage, type Stage } from './stage.ts';

let stage: Stage;
let writes: string[];

/** `VERB resource name`, without the name of the record. */
function shown({ method, path }: KubeRequest): string {
  const [resource = '', ...name] = path.split('/namespaces/')[1]?.split('/').slice(1) ?? [];
  return [method, resource, ...(resource === 'configmaps' ? [] : name)].join(' ');
}

/** Each step comes after all writes of the one before. */
const untilWritten = (expected: readonly string[]) => expect.poll(() => writes).toEqual(expected);

const podPath = '/api/v1/namespaces/default/pods/second';
const change = (path: string, body: object) => stage.town.client.request('PATCH', path, body);

beforeEach(async () => {
  writes = [];
  stage = await setStage({ scaleSets: [{ name: 'vmss1', instances: 1 }] });
  for (const name of ['app', 'other']) {
    await stage.town.binding({ name: `${name}-binding`, identity: name, selector: name });
    await stage.town.identity({ name });
  }
  await stage.town.pod({ name: 'first', label: 'app' });
  await stage.startMic({
    rules: { detachGraceMs: 1_000 },
    onRequest: (request) => {
      if (request.method !== 'GET' && !request.path.endsWith('/status')) writes.push(shown(request));
    },
  });
  await expect
    .poll(() => writes.toSorted())
    .toEqual(['POST azureassignedidentities', 'POST configmaps', 'PUT configmaps']);
  writes.length = 0;
});
afterEach(() => stage.close());

test('a pod whose identity is on the host costs its object alone', async () => {
  await stage.town.pod({ name: 'second', label: 'app' });
  const written = ['POST azureassignedidentities'];
  await untilWritten(written);
  await change(`${podPath}/status`, { status: { phase: 'Running', podIP: '10.9.9.9' } });
  await change(podPath, { metadata: { annotations: { some: 'thing' } } });
  await stage.remove('pods', 'second');
  await untilWritten([...written, 'DELETE azureassignedidentities second-default-app']);
});

test('a pod with a new identity costs one write of the record before its PATCH, one after it, and its object', async () => {
  const ofPatch = ['PUT configmaps', 'PUT configmaps'];
  await stage.town.pod({ name: 'second', label: 'other' });
  const written = [...ofPatch, 'POST azureassignedidentities'];
  await untilWritten(written);
  await stage.remove('pods', 'second');
  await untilWritten([...written, 'DELETE azureassignedidentities second-default-other', ...ofPatch]);
  expect([stage.patches(), stage.attached('vmss1')]).toEqual([3, ['app']]);
});
