import { expect, test } from 'vitest';
import { environmentOf, parseGiven, readGiven } from './given.ts';

const identity = (name: string) =>
  `/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/${name},client-of-${name}`;
const least = { kubeconfig: '/k', images: 'registry.test/path/' };

test('without identities the run is without Azure; the tag is that of the manifests', () => {
  expect(parseGiven(least)).toEqual({ kubeconfig: '/k', images: 'registry.test/path', tag: '0.1.0' });
});

test('two identities with their client ids, and a tag, reach the tests', () => {
  const given = parseGiven({ ...least, tag: '7', identity: [identity('one'), identity('two')] });
  if ('problems' in given) throw new Error(given.problems.join());
  expect(given.identities?.map(({ clientId }) => clientId)).toEqual(['client-of-one', 'client-of-two']);
  expect(readGiven(environmentOf(given))).toEqual(given);
});

test.each([
  ['nothing', {}, ['--kubeconfig FILE', '--images REGISTRY/PATH']],
  ['one identity', { ...least, identity: [identity('one')] }, ['--identity RESOURCE-ID,CLIENT-ID']],
  ['three', { ...least, identity: ['1', '2', '3'].map(identity) }, ['--identity RESOURCE-ID,CLIENT-ID']],
  ['one without a client id', { ...least, identity: [identity('1'), '/subscriptions/s'] }, ['--identity']],
])('%s: each problem has a sentence that names the option', (_, values, options) => {
  const given = parseGiven(values);
  const problems = 'problems' in given ? given.problems : [];
  expect(problems).toHaveLength(options.length);
  for (const [index, option] of options.entries()) expect(problems[index]).toContain(option);
});
