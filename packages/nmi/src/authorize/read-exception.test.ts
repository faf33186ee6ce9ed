import { describe, expect, it, test } from 'vitest';
import { exception } from '../../test/builders.ts';
import { readException } from './read-exception.ts';

const valid = exception({ app: 'cni' });
const withSpec = (spec: unknown) => readException({ ...valid, spec });

test('a valid exception is itself', () => {
  expect(readException(valid)).toEqual({ namespace: 'default', name: 'exception', value: valid });
});

test.each([undefined, null, 'text', {}, { metadata: { name: 'x' } }, { metadata: { namespace: 'x' } }])(
  'of %j there is nothing to name',
  (object) => {
    expect(readException(object)).toBeUndefined();
  },
);

describe('of an exception that is not valid', () => {
  it.each<[string, unknown, object | undefined]>([
    ['a field in another spelling', { podLabels: { app: 'cni' }, clientIds: [] }, { app: 'cni' }],
    ['a field of another type', { podLabels: { app: 'cni' }, clientIDs: 'a' }, { app: 'cni' }],
    ['labels in an old spelling', { PodLabels: { app: 'cni' }, clientIDs: 'a' }, { app: 'cni' }],
    ['labels of another type', { podLabels: { app: 1 } }, undefined],
    ['labels that are no map', { podLabels: ['app'], clientIDs: [] }, undefined],
    ['a spec that is none', 'app', undefined],
    ['no labels', { podLabel: { app: 'cni' }, clientIds: [] }, undefined],
  ])('with %s its labels are told where they can be read', (_, spec, podLabels) => {
    const found = withSpec(spec);
    expect(found).toMatchObject({ name: 'exception', fault: expect.stringMatching(/^spec/) as string });
    expect(found && 'fault' in found ? found.podLabels : 'valid').toEqual(podLabels);
  });

  it('the labels are read below a key in another case, too', () => {
    const { spec, ...others } = valid;
    const found = readException({ ...others, Spec: { ...spec, clientIDs: 'a' } });
    expect(found).toMatchObject({ podLabels: { app: 'cni' } });
  });

  it('the fault is one line of bounded length', () => {
    const spellings = Array.from({ length: 9 }, (_, index) => [
      'clientids'.replaceAll(/./g, (letter, at) => (at === index ? letter.toUpperCase() : letter)),
      [],
    ]);
    const found = withSpec({ podLabels: {}, ...Object.fromEntries(spellings) });
    expect(found).toMatchObject({ fault: expect.stringMatching(/^spec\..{295}…$/) as string });
    const apiVersion = readException({ ...valid, apiVersion: 'a\u202e\nb' });
    expect(apiVersion).toMatchObject({ fault: expect.stringMatching(/^[\x20-\x7e]+$/) as string });
  });
});
