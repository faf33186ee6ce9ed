import { expect, test } from 'vitest';
import type { KubeObject } from '../../stage/objects.ts';
import type { Given } from './given.ts';
import { everyObject, installation, isMarked, removalOfRules } from './objects.ts';

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

test('where one node takes pods there is one MIC', async () => {
  const replicas = async (nodes: number) => {
    const objects = await installation(withAzure, nodes);
    return (objects.find(({ kind }) => kind === 'Deployment')!['spec'] as { replicas: number }).replicas;
  };
  expect([await replicas(1), await replicas(5)]).toEqual([1, 2]);
});
