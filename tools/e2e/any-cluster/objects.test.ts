import { expect, test } from 'vitest';
import type { KubeObject } from '../../stage/objects.ts';
import type { Given } from './given.ts';
import { everyObject, installation, isMarked, removalOfRules, stepForRemover } from './objects.ts';

const alone: Given = { kubeconfig: '/k', images: 'registry.test/path', tag: '7' };
const identity = { id: '/subscriptions/s', clientId: 'c' };
const withAzure: Given = { ...alone, identities: [identity, identity] };
const keyOf = ({ kind, metadata: { namespace = '', name } }: KubeObject) => `${kind} ${namespace}/${name}`;
const imagesOf = (objects: unknown) => [
  ...new Set([...JSON.stringify(objects).matchAll(/"image":"([^"]+)"/g)].map(([, image]) => image)),
];

test.each([
  ['with Azure', withAzure, ['registry.test/path/mic:7', 'registry.test/path/nmi:7']],
  ['without Azure', alone, ['registry.test/path/nmi:7']],
])('%s each object has the mark, each image is one that was given', async (_, given, images) => {
  const objects = await installation(given, 2);
  expect(objects.filter((object) => !isMarked(object))).toEqual([]);
  expect(imagesOf(objects)).toEqual(images);
});

test('what is removed in the end has the name of everything that was installed', async () => {
  const known = (await everyObject()).map(keyOf);
  for (const given of [alone, withAzure])
    for (const object of await installation(given, 2)) expect(known).toContain(keyOf(object));
  const remover = await removalOfRules(alone);
  expect([isMarked(remover), imagesOf(remover)]).toEqual([true, ['registry.test/path/nmi:7']]);
});

test('the remover of rules has the image of NMI that is stored, and replaces one with another image', async () => {
  const stored = (await installation(alone, 1)).find(({ kind }) => kind === 'DaemonSet')!;
  const mistaken = { ...alone, images: 'wrong.test' };
  const remover = await removalOfRules(mistaken, stored);
  expect(imagesOf(remover)).toEqual(['registry.test/path/nmi:7']);
  expect(stepForRemover(remover)).toBe('create');
  expect(stepForRemover(remover, await removalOfRules(alone))).toBe('keep');
  expect(stepForRemover(remover, await removalOfRules(mistaken))).toBe('replace');
});

test('where one node takes pods there is one MIC', async () => {
  const replicas = async (nodes: number) => {
    const objects = await installation(withAzure, nodes);
    return (objects.find(({ kind }) => kind === 'Deployment')!['spec'] as { replicas: number }).replicas;
  };
  expect([await replicas(1), await replicas(5)]).toEqual([1, 2]);
});
