import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { accessAnnotation, accessModes, readNamespaceView, strictestMode } from './namespace-view.ts';

const namespace = (annotation?: unknown) => ({
  metadata: {
    name: 'pay',
    labels: { team: 'pay' },
    annotations: annotation === undefined ? {} : { [accessAnnotation]: annotation },
  },
});

describe('a Namespace', () => {
  test('is read by its name, its labels and the mode of its annotation', () => {
    expect(readNamespaceView(namespace('warn'))).toEqual({
      name: 'pay',
      labels: { team: 'pay' },
      access: 'warn',
    });
  });

  test('without the annotation asks for no mode', () => {
    expect(readNamespaceView(namespace())).toEqual({
      name: 'pay',
      labels: { team: 'pay' },
      access: undefined,
    });
    expect(readNamespaceView({ metadata: { name: 'pay' } })).toEqual({
      name: 'pay',
      labels: {},
      access: undefined,
    });
  });

  test.each(['', 'RBAC', ' rbac', 'off', 'false', 'none', null, 1])(
    'with the annotation %j requests rbac, and reports what is wrong',
    (value) => {
      expect(readNamespaceView(namespace(value))).toMatchObject({
        access: 'rbac',
        problem: `the annotation ${accessAnnotation} is ${JSON.stringify(value)}, so rbac counts: set it to warn or rbac, or remove it`,
      });
    },
  );

  test('with an annotation that is too long to be quoted asks for rbac too', () => {
    expect(readNamespaceView(namespace('x'.repeat(2_000)))).toMatchObject({
      access: 'rbac',
      problem: expect.stringContaining('too long'),
    });
  });

  test('with labels that are too large is selected by no label selector', () => {
    const labels = Object.fromEntries(Array.from({ length: 2_000 }, (_, index) => [`a${index}`, '']));
    expect(readNamespaceView({ metadata: { name: 'pay', labels } })).toMatchObject({
      labels: undefined,
      labelsFault: 'its labels have more than 2048 characters',
    });
  });

  test('is read without an error whatever it is', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.jsonValue(),
          fc.record({ metadata: fc.oneof(fc.jsonValue(), fc.record({ annotations: fc.jsonValue() })) }),
        ),
        (object) => {
          expect(typeof readNamespaceView(object).name).toBe('string');
        },
      ),
    );
  });
});

describe('the mode of a pod', () => {
  test('is the stricter one of the flag and of the annotation', () => {
    const found = accessModes.map((flag) => accessModes.map((annotation) => strictestMode(flag, annotation)));
    expect(found).toEqual([
      ['namespace', 'warn', 'rbac'],
      ['warn', 'warn', 'rbac'],
      ['rbac', 'rbac', 'rbac'],
    ]);
  });

  test('is that of the flag without an annotation', () => {
    expect(accessModes.map((flag) => strictestMode(flag, undefined))).toEqual(accessModes);
  });
});
