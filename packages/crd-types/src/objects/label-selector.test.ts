import { describe, expect, test } from 'vitest';
import { parseAzureIdentityBinding } from './azure-identity-binding.ts';
import { selectorText, selectsLabels, type LabelSelector } from './label-selector.ts';

const labels = { app: 'web', tier: 'front', empty: '' };

describe('a label selector', () => {
  test.each<[string, LabelSelector, boolean]>([
    ['without anything selects everything', {}, true],
    ['selects equal labels', { matchLabels: { app: 'web', tier: 'front' } }, true],
    ['asks for all of them', { matchLabels: { app: 'web', tier: 'back' } }, false],
    ['asks for a label that is not there', { matchLabels: { zone: '' } }, false],
    ['asks for an empty value', { matchLabels: { empty: '' } }, true],
    [
      'finds no label in the prototype',
      { matchExpressions: [{ key: 'toString', operator: 'Exists' }] },
      false,
    ],
    [
      'In: one of the values',
      { matchExpressions: [{ key: 'app', operator: 'In', values: ['api', 'web'] }] },
      true,
    ],
    [
      'In: none of the values',
      { matchExpressions: [{ key: 'app', operator: 'In', values: ['api'] }] },
      false,
    ],
    ['In: no label', { matchExpressions: [{ key: 'zone', operator: 'In', values: [''] }] }, false],
    [
      'NotIn: one of the values',
      { matchExpressions: [{ key: 'app', operator: 'NotIn', values: ['web'] }] },
      false,
    ],
    [
      'NotIn: none of the values',
      { matchExpressions: [{ key: 'app', operator: 'NotIn', values: ['api'] }] },
      true,
    ],
    ['NotIn: no label', { matchExpressions: [{ key: 'zone', operator: 'NotIn', values: ['a'] }] }, true],
    ['Exists', { matchExpressions: [{ key: 'empty', operator: 'Exists' }] }, true],
    ['Exists: no label', { matchExpressions: [{ key: 'zone', operator: 'Exists' }] }, false],
    ['DoesNotExist', { matchExpressions: [{ key: 'zone', operator: 'DoesNotExist' }] }, true],
    ['DoesNotExist: a label', { matchExpressions: [{ key: 'empty', operator: 'DoesNotExist' }] }, false],
    [
      'asks for labels and expressions together',
      { matchLabels: { app: 'web' }, matchExpressions: [{ key: 'tier', operator: 'In', values: ['back'] }] },
      false,
    ],
  ])('%s', (_, selector, expected) => {
    expect(selectsLabels(selector, labels)).toBe(expected);
  });

  test('is told as kubectl takes it', () => {
    const selector: LabelSelector = {
      matchLabels: { app: 'web' },
      matchExpressions: [
        { key: 'a', operator: 'In', values: ['x', 'y'] },
        { key: 'b', operator: 'NotIn', values: ['z'] },
        { key: 'c', operator: 'Exists' },
        { key: 'd', operator: 'DoesNotExist' },
      ],
    };
    expect(selectorText(selector)).toBe('app=web,a in (x,y),b notin (z),c,!d');
  });
});

describe('a podSelector', () => {
  const parse = (podSelector: unknown) =>
    parseAzureIdentityBinding({
      metadata: { name: 'b', namespace: 'shop' },
      spec: { azureIdentity: 'reader', podSelector },
    });
  const expressions = (...matchExpressions: unknown[]) => ({ matchExpressions });
  const many = (count: number) => Array.from({ length: count }, (_, at) => `k${at}`);
  const manyLabels = (count: number) => Object.fromEntries(many(count).map((key) => [key, 'v']));

  test.each<[unknown]>([
    [{ matchLabels: { app: 'web', 'example.com/team': '' } }],
    [{ matchLabels: manyLabels(8) }],
    [
      expressions(
        { key: 'app', operator: 'In', values: ['web'] },
        { key: 'example.com/x', operator: 'Exists' },
      ),
    ],
    [{ matchLabels: { app: 'web' }, ...expressions({ key: 'a', operator: 'NotIn', values: ['b', ''] }) }],
  ])('%j is read as it is', (podSelector) => {
    expect(parse(podSelector)).toMatchObject({ ok: true, value: { spec: { podSelector } }, warnings: [] });
  });

  test.each<[string, unknown, string]>([
    ['text', 'app=web', 'spec.podSelector'],
    ['a number for a value', { matchLabels: { app: 1 } }, 'spec.podSelector.matchLabels'],
    ['a value that no label has', { matchLabels: { app: 'a b' } }, 'spec.podSelector.matchLabels'],
    ['a long value', { matchLabels: { app: 'v'.repeat(64) } }, 'spec.podSelector.matchLabels'],
    ['a key that no label has', { matchLabels: { 'a b': 'c' } }, 'spec.podSelector.matchLabels'],
    ['an empty key', { matchLabels: { '': 'c' } }, 'spec.podSelector.matchLabels'],
    [
      'a key with a prefix of 254 characters',
      { matchLabels: { [`${'p'.repeat(254)}/a`]: 'c' } },
      'spec.podSelector.matchLabels',
    ],
    [
      'such a prefix that must be absent, which would select every pod',
      expressions({ key: `${'p'.repeat(254)}/a`, operator: 'DoesNotExist' }),
      'spec.podSelector.matchExpressions[0].key',
    ],
    [
      'a name of 64 characters',
      expressions({ key: `example.com/${'n'.repeat(64)}`, operator: 'NotIn', values: ['x'] }),
      'spec.podSelector.matchExpressions[0].key',
    ],
    ['too many labels', { matchLabels: manyLabels(9) }, 'spec.podSelector.matchLabels'],
    [
      'too many expressions',
      expressions(...Array.from({ length: 9 }, () => ({ key: 'a', operator: 'Exists' }))),
      'spec.podSelector.matchExpressions',
    ],
    ['no key', expressions({ operator: 'Exists' }), 'spec.podSelector.matchExpressions[0].key'],
    [
      'a bad key',
      expressions({ key: 'a b', operator: 'Exists' }),
      'spec.podSelector.matchExpressions[0].key',
    ],
    ['no operator', expressions({ key: 'a' }), 'spec.podSelector.matchExpressions[0].operator'],
    [
      'another operator',
      expressions({ key: 'a', operator: 'Gt' }),
      'spec.podSelector.matchExpressions[0].operator',
    ],
    [
      'In without values',
      expressions({ key: 'a', operator: 'In' }),
      'spec.podSelector.matchExpressions[0].values',
    ],
    [
      'Exists with values',
      expressions({ key: 'a', operator: 'Exists', values: ['x'] }),
      'spec.podSelector.matchExpressions[0].values',
    ],
    [
      'too many values',
      expressions({ key: 'a', operator: 'In', values: Array.from({ length: 17 }, (_, at) => `v${at}`) }),
      'spec.podSelector.matchExpressions[0].values',
    ],
    [
      'a bad value',
      expressions({ key: 'a', operator: 'In', values: ['-'] }),
      'spec.podSelector.matchExpressions[0].values',
    ],
    [
      'a key that means nothing',
      { matchLabels: { app: 'web' }, matchLabel: { a: 'b' } },
      'spec.podSelector.matchLabel',
    ],
    [
      'a key that means nothing in an expression',
      expressions({ key: 'a', operator: 'Exists', value: 'x' }),
      'spec.podSelector.matchExpressions[0].value',
    ],
  ])('with %s is refused, and the place is named', (_, podSelector, path) => {
    const parsed = parse(podSelector);
    expect(parsed.ok ? [] : parsed.problems.map((problem) => problem.path)).toContain(path);
  });

  test('may have a key with a prefix of 253 characters and a name of 63', () => {
    const key = `${'p'.repeat(253)}/${'n'.repeat(63)}`;
    expect(parse({ matchLabels: { [key]: 'c' }, ...expressions({ key, operator: 'Exists' }) })).toMatchObject(
      {
        ok: true,
        warnings: [],
      },
    );
  });

  test.each<[string, object]>([
    [
      'values',
      expressions(
        { key: 'a', operator: 'In', values: many(100_000) },
        { key: 'a', operator: 'In', values: ['other'] },
        { key: 'a', operator: 'NotIn', values: many(100_000) },
      ),
    ],
    ['expressions', expressions(...many(100_000).map((key) => ({ key, operator: 'Exists' })))],
    ['labels', { matchLabels: manyLabels(100_000) }],
  ])('with very many %s is refused quickly', (_, podSelector) => {
    expect(parse(podSelector)).toMatchObject({ ok: false });
  });

  test('is read in the one spelling of its keys; those of labels are data', () => {
    const parsed = parseAzureIdentityBinding({
      metadata: { name: 'b' },
      spec: { AzureIdentity: 'reader', podSelector: { matchLabels: { MatchLabels: 'x' } } },
    });
    expect(parsed).toMatchObject({
      ok: true,
      value: { spec: { podSelector: { matchLabels: { MatchLabels: 'x' } } } },
    });
  });
});
